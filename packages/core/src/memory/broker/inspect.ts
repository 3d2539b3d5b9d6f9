import type { IncomingMessage } from "../../contracts/wire.ts";
import type { Channel } from "./channel.ts";
import type { Group } from "./group.ts";
import { copyMessage } from "./message.ts";

/** What the broker holds at this moment. */
export interface BrokerInspection {
  /** False between `stop` and `start`. */
  readonly running: boolean;
  readonly channels: readonly ChannelInspection[];
  readonly groups: readonly GroupInspection[];
  readonly deadLetters: readonly DeadLetterInspection[];
}

/** One channel of the broker in memory. */
export interface ChannelInspection {
  readonly channel: string;
  /** Messages that a new group could still read. */
  readonly retained: number;
}

/** One consumer group; with `each`, one member of it. */
export interface GroupInspection {
  readonly group: string;
  /** Whether its members share the messages, or each get all. */
  readonly members: "share" | "each";
  /** What the group is bound to. */
  readonly channels: readonly string[];
  /** Ready to go out, or waiting behind another of their key. */
  readonly queued: number;
  /** Delivered and not settled yet. */
  readonly unsettled: number;
  /** Waiting for the time of their retry. */
  readonly delayed: number;
  /** Dead letters that nobody has acknowledged; always 0 for a member of `each`: they count for the group. */
  readonly deadLetters: number;
}

/** A dead letter in the group that gave up, as it was written. */
export interface DeadLetterInspection extends IncomingMessage {
  /** The consumer group that gave it up. */
  readonly group: string;
}

export function inspectBroker(
  running: boolean,
  channels: Iterable<Channel>,
  groups: readonly Group[],
): BrokerInspection {
  return {
    running,
    channels: [...channels].map(({ name, log }) => ({ channel: name, retained: log.size })),
    groups: groups.map(inspectGroup),
    deadLetters: groups.filter(({ kind }) => kind === "share").flatMap(lettersOf),
  };
}

function inspectGroup(group: Group): GroupInspection {
  const counts = [...group.outlets.values()].map((outlet) => outlet.queue.counts());
  const sum = (part: "queued" | "unsettled" | "delayed") =>
    counts.reduce((total, each) => total + each[part], 0);
  return {
    group: group.name,
    members: group.kind,
    channels: [...group.outlets.keys()],
    queued: sum("queued"),
    unsettled: sum("unsettled"),
    delayed: sum("delayed"),
    deadLetters: group.kind === "share" ? group.deadLetters.queue.size : 0,
  };
}

function lettersOf(group: Group): DeadLetterInspection[] {
  return group.deadLetters.queue.entries().map(({ message }) => {
    const { channel, key, attributes, headers, contentType, body } = copyMessage(message);
    return { group: group.name, channel, key, attributes, headers, contentType, body };
  });
}
