import { MessagingError, OptionsError, type SubscriptionRequest } from "@postrider/core";
import type { Redis } from "ioredis";
import { toTransportError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { command, listOf, textOf } from "./streams/call.ts";
import { type Names, problemsOfChannel, problemsOfGroup, type StreamKeys } from "./streams/names.ts";

/** One stream that a subscription reads, with what stands around it. */
export interface WorkQueue extends StreamKeys {
  readonly kind: "shared" | "part" | "each" | "dead-letters";
  /** What was published to it, for messages that do not tell. */
  readonly channel: string;
}

/** What a subscription needs at the broker. */
export interface GroupPlan {
  /** As the broker knows it: where each member gets all, the member's name is a part of it. */
  readonly group: string;
  readonly queues: readonly WorkQueue[];
  readonly deadLetters: string;
  /** Where a new group begins: after this id. */
  readonly startId: string;
}

export interface Topology {
  /** Makes sure that a channel is spread over as many streams as we take it to be. */
  channel(client: Redis, channel: string): Promise<void>;
  /** Makes or checks the group of each stream. */
  group(client: Redis, plan: GroupPlan): Promise<void>;
  /** Forgets the group of one member, with what waited for it. */
  leave(client: Redis, plan: GroupPlan): Promise<void>;
}

export function createTopology(options: ResolvedOptions, names: Names): Topology {
  const { topology: mode, partitions } = options;

  const channel = async (client: Redis, name: string): Promise<void> => {
    if (mode === "none") return;
    const key = names.partitions(name);
    let noted = await command(client, "GET", [key]);
    if (noted === null && mode === "declare") {
      await command(client, "SET", [key, partitions, "NX"]);
      noted = await command(client, "GET", [key]);
    }
    if (noted !== null && textOf(noted) !== String(partitions))
      throw partitionsDiffer(name, textOf(noted), partitions);
  };

  const declare = async (client: Redis, stream: string, group: string, startId: string): Promise<void> => {
    try {
      await command(client, "XGROUP", ["CREATE", stream, group, startId, "MKSTREAM"]);
    } catch (error) {
      // It is there already, and stays where it is.
      if (error instanceof Error && error.message.startsWith("BUSYGROUP")) return;
      throw error;
    }
  };
  const check = async (client: Redis, stream: string, group: string): Promise<void> => {
    const groups = listOf(await command(client, "XINFO", ["GROUPS", stream]));
    if (!groups.some((one) => textOf(listOf(one)[1]) === group)) throw groupMissing(stream, group);
  };

  return {
    channel,
    group: async (client, { group, queues, startId }) => {
      try {
        const channels = new Set(queues.filter(hasChannel).map((queue) => queue.channel));
        for (const name of channels) await channel(client, name);
        const made = queues.map(async (queue) => {
          // The group of one member is new each time, and what waits for a group is its own: nobody else makes them.
          const own = queue.kind === "each";
          if (mode === "declare" || own) await declare(client, queue.stream, group, startId);
          else if (mode === "check") await check(client, queue.stream, group);
          if (mode !== "none" || own) await declare(client, queue.retry, group, "0");
        });
        await Promise.all(made);
      } catch (error) {
        throw explained(error, group);
      }
    },
    leave: async (client, { group, queues }) => {
      await Promise.all(
        queues.flatMap(({ stream, retry, parked, due, owner, alive }) => [
          command(client, "XGROUP", ["DESTROY", stream, group]),
          command(client, "DEL", [retry, parked, due, owner, alive]),
        ]),
      );
    },
  };
}

function hasChannel({ kind }: WorkQueue): boolean {
  return kind !== "dead-letters";
}

function explained(error: unknown, group: string): MessagingError {
  const what = `The group '${group}' cannot be bound`;
  if (error instanceof Error && error.message.includes("no such key"))
    return new MessagingError(
      "TRANSPORT_CHANNEL_MISSING",
      `${what}: a stream of its channels does not exist`,
    );
  return toTransportError(error, what);
}

function partitionsDiffer(channel: string, noted: string, partitions: number): MessagingError {
  return new MessagingError(
    "TRANSPORT_TOPOLOGY_CONFLICT",
    `The channel '${channel}' is spread over ${noted} streams, and the option 'partitions' says ${partitions}. ` +
      "All who use a channel must say the same; to change it, drain the channel and delete its keys",
    { context: { channel } },
  );
}

function groupMissing(stream: string, group: string): MessagingError {
  return new MessagingError(
    "TRANSPORT_CHANNEL_MISSING",
    `The stream '${stream}' has no group '${group}'. Create it, or set topology: "declare"`,
    { context: { stream, group } },
  );
}

/** What a subscription needs. @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function planGroup(
  request: SubscriptionRequest,
  { partitions }: ResolvedOptions,
  names: Names,
  member: string,
): GroupPlan {
  const { group, of = "messages", members, channels, startAt } = request;
  const problems = [
    ...problemsOfGroup(group),
    ...(of === "messages" && channels.length === 0 ? ["channels: must name at least one"] : []),
    ...channels.flatMap(({ channel }) => problemsOfChannel(channel)),
    ...(startAt instanceof Date && Number.isNaN(startAt.getTime()) ? ["startAt: is no valid date"] : []),
    ...problemsOfBound(request.maxInFlight),
  ];
  if (problems.length > 0) throw new OptionsError(`Subscription of '${group}'`, problems);
  const deadLetters = names.deadLetters(group);
  if (of === "dead-letters") {
    const queue = {
      ...names.around(deadLetters, group),
      kind: "dead-letters" as const,
      channel: deadLetters,
    };
    return { group, queues: [queue], deadLetters, startId: "0" };
  }
  const own = members === "each" ? names.each(group, member) : group;
  return {
    group: own,
    queues: queuesOf(request, own, partitions, names),
    deadLetters,
    startId: startIdOf(startAt),
  };
}

function queuesOf(
  { channels, members, ordering }: SubscriptionRequest,
  group: string,
  partitions: number,
  names: Names,
): readonly WorkQueue[] {
  const kind = members === "each" ? "each" : ordering === "key" ? "part" : "shared";
  const all = new Set(channels.map(({ channel }) => channel));
  return [...all].flatMap((channel) =>
    Array.from({ length: partitions }, (_, index) => ({
      ...names.around(names.stream(channel, index), group),
      kind,
      channel,
    })),
  );
}

/** A group gets what comes after this id. */
function startIdOf(startAt: SubscriptionRequest["startAt"]): string {
  if (startAt === "new") return "$";
  if (startAt === "beginning") return "0";
  const lastMs = startAt.getTime() - 1;
  return lastMs < 0 ? "0" : `${lastMs}-18446744073709551615`;
}

export function problemsOfBound(maxInFlight: number): readonly string[] {
  if (Number.isSafeInteger(maxInFlight) && maxInFlight >= 1) return [];
  return [`maxInFlight: must be a whole number from 1, is ${maxInFlight}`];
}

/** One transport consumes a group once; its dead letters are something else to consume. */
export function subscriptionKey({ group, of = "messages" }: SubscriptionRequest): string {
  return `${of}:${group}`;
}
