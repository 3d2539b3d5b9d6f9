/*
 * Names at the broker. They are part of what operators see, so they do not change between versions. What stands in braces
 * decides the slot in a cluster: everything that one script touches of a stream is in the slot of the stream.
 */

/** The keys around one stream and one group that reads it. */
export interface StreamKeys {
  /** What is read. */
  readonly stream: string;
  /** What comes again, for this group only: a stream too. */
  readonly retry: string;
  /** Entries that wait for their time. */
  readonly parked: string;
  /** When which of them is due. */
  readonly due: string;
  /** Which member of an ordered group reads it. */
  readonly owner: string;
  /** There as long as the one member of this group lives. */
  readonly alive: string;
}

export interface Names {
  /** One of the streams of a channel. */
  stream(channel: string, partition: number): string;
  /** Over how many streams a channel is spread: whoever publishes and whoever reads must agree. */
  partitions(channel: string): string;
  around(stream: string, group: string): StreamKeys;
  /** Held by the member that trims. */
  trim(stream: string): string;
  deadLetters(group: string): string;
  /** The group of one member where each member gets all. */
  each(group: string, member: string): string;
  /** The members of an ordered group, by when they were last heard of. */
  members(group: string): string;
}

export function createNames(prefix: string): Names {
  return {
    stream: (channel, partition) => `${prefix}{${channel}:${partition}}`,
    partitions: (channel) => `${prefix}{${channel}}:partitions`,
    around: (stream, group) => ({
      stream,
      retry: `${stream}:retry:${group}`,
      parked: `${stream}:parked:${group}`,
      due: `${stream}:due:${group}`,
      owner: `${stream}:owner:${group}`,
      alive: `${stream}:alive:${group}`,
    }),
    trim: (stream) => `${stream}:trim`,
    deadLetters: (group) => `${prefix}{${group}}:dead`,
    each: (group, member) => `${group}${eachMark}${member}`,
    members: (group) => `${prefix}{${group}}:members`,
  };
}

/** In the name of a group that ends with its member. */
export const eachMark = ":each:";

/** Room for the member in the name of a group, and for what stands around both in a key. */
const longestBytes = 400;

export function problemsOfGroup(group: string): readonly string[] {
  return problemsOfName("group", group);
}

export function problemsOfChannel(channel: string): readonly string[] {
  return problemsOfName("channels", channel);
}

function problemsOfName(at: string, name: string): readonly string[] {
  if (name === "") return [`${at}: a name must not be empty`];
  if (/[{}]/.test(name)) return [`${at}: a name must hold no braces: they decide where Redis keeps a key`];
  if (Buffer.byteLength(name) > longestBytes)
    return [`${at}: a name must have at most ${longestBytes} bytes`];
  return [];
}

/** The stream of a shard; the sixteen are dealt out in turn. */
export function partitionOf(shard: number, partitions: number): number {
  return shard % partitions;
}
