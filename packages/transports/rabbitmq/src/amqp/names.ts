/** Names at the broker. They are part of what operators see, so they do not change between versions. */
export interface Names {
  /** A channel is a topic exchange. */
  exchange(channel: string): string;
  /** The work queue of a group without order. */
  queue(group: string): string;
  /** One of the work queues of an ordered group. */
  part(group: string, index: number, parts: number): string;
  /** The queue of one member where each member gets all. */
  each(group: string, member: string): string;
  deadLetters(group: string): string;
  /** Where a message of `queue` waits for its next attempt. */
  wait(queue: string, delayMs: number): string;
  /** Where the members of an ordered group hear of each other. */
  members(group: string): string;
}

export function createNames(prefix: string): Names {
  return {
    exchange: (channel) => prefix + channel,
    queue: (group) => prefix + group,
    part: (group, index, parts) => `${prefix}${group}:${index}of${parts}`,
    each: (group, member) => `${prefix}${group}:each:${member}`,
    deadLetters: (group) => `${prefix}${group}:dead`,
    wait: (queue, delayMs) => `${queue}:wait:${delayMs}`,
    members: (group) => `${prefix}${group}:members`,
  };
}

/** `:each:` and an id of 36 characters, and `:wait:` and nine digits: what a group's name must leave room for. */
const longestSuffixBytes = 60;

export function problemsOfGroup(group: string, prefix: string): readonly string[] {
  if (group === "") return ["group: must not be empty"];
  const mostBytes = 255 - longestSuffixBytes;
  if (Buffer.byteLength(prefix + group) > mostBytes) {
    return [
      `group: must have at most ${mostBytes} bytes, the prefix included: RabbitMQ's names have at most 255`,
    ];
  }
  return /^amq\./i.test(prefix + group) ? ["group: RabbitMQ keeps names that begin with 'amq.'"] : [];
}

export function problemsOfChannel(channel: string, prefix: string): readonly string[] {
  if (channel === "") return ["channels: a name must not be empty"];
  if (Buffer.byteLength(prefix + channel) > 255)
    return [`channels: '${channel.slice(0, 40)}…' has more than 255 bytes, the prefix included`];
  return /^amq\./i.test(prefix + channel) ? ["channels: RabbitMQ keeps names that begin with 'amq.'"] : [];
}

/** Where a message goes inside its exchange: a group picks shards by the first word and types by the rest. */
export function routingKey(shard: number, type: string): string {
  return `${shard}.${type}`;
}

/** The patterns by which a queue gets these types of these shards; all shards when none is given. */
export function bindingKeys(
  shards: readonly number[] | undefined,
  types: readonly string[] | "all",
): readonly string[] {
  const firsts = shards ?? ["*"];
  // A foreign producer's routing key has any form: who takes all types and all shards takes that too.
  if (types === "all") return shards === undefined ? ["#"] : firsts.map((first) => `${first}.#`);
  return firsts.flatMap((first) => types.map((type) => `${first}.${type}`));
}

/** The shards of one of the queues of an ordered group; the sixteen are dealt out in turn. */
export function shardsOf(index: number, parts: number): readonly number[] {
  return Array.from({ length: 16 / parts }, (_, round) => index + round * parts);
}
