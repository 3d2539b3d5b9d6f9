import { OptionsError, type SubscriptionRequest } from "@postrider/core";
import type { Channel, ChannelModel, Options } from "amqplib";
import { closeChannel } from "./amqp/close-channel.ts";
import { bindingKeys, type Names, problemsOfChannel, problemsOfGroup, shardsOf } from "./amqp/names.ts";
import { isMissing, toTransportError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

/*
 * Every entity is declared on a channel of its own that is thrown away: what the broker refuses costs the channel, and
 * no message may stand on it.
 */

/** One work queue of a subscription. */
export interface WorkQueue {
  readonly name: string;
  readonly kind: "shared" | "part" | "each" | "dead-letters";
}

/** What a subscription needs at the broker. */
export interface GroupPlan {
  readonly group: string;
  readonly queues: readonly WorkQueue[];
  readonly deadLetters: string;
  readonly bindings: readonly Binding[];
  /** Queues of the same group under another ordering: messages would go on gathering in them. */
  readonly rivals: readonly string[];
}

interface Binding {
  readonly queue: string;
  readonly exchange: string;
  readonly key: string;
}

export interface Topology {
  /** Makes or checks the exchange of a channel. */
  exchange(model: ChannelModel, exchange: string): Promise<void>;
  group(model: ChannelModel, plan: GroupPlan): Promise<void>;
  /** Makes or checks the queue of the dead letters. */
  deadLetters(model: ChannelModel, name: string): Promise<void>;
  /** Makes or checks the queue in which messages of `queue` wait for `delayMs`. */
  wait(model: ChannelModel, queue: WorkQueue, delayMs: number): Promise<string>;
}

/**
 * Returns of one message before the broker puts it with the dead letters by itself: a backstop only, since each crash of
 * a consumer counts for all that it had fetched. It must be set: without it quorum queues put returned messages last,
 * and from RabbitMQ 4 on they give a message up after 20 returns and drop it where no dead letters are named.
 */
const deliveryLimit = 1_000;

export function createTopology(options: ResolvedOptions, names: Names): Topology {
  const mode = options.topology;
  return {
    exchange: async (model, exchange) => {
      if (mode === "none") return;
      await apart(model, `The exchange '${exchange}'`, (channel) =>
        mode === "declare"
          ? channel.assertExchange(exchange, "topic", { durable: true })
          : channel.checkExchange(exchange),
      );
    },
    group: async (model, plan) => {
      for (const rival of mode === "none" ? [] : plan.rivals) await refuseRival(model, plan.group, rival);
      const exchanges = new Set(plan.bindings.map(({ exchange }) => exchange));
      for (const exchange of mode === "none" ? [] : exchanges) {
        await apart(model, `The exchange '${exchange}'`, (channel) =>
          mode === "declare"
            ? channel.assertExchange(exchange, "topic", { durable: true })
            : channel.checkExchange(exchange),
        );
      }
      await queues(model, plan);
      const own = new Set(plan.queues.filter(({ kind }) => kind === "each").map(({ name }) => name));
      // The queue of one member is new each time, so only its member can bind it.
      const bindings =
        mode === "declare" ? plan.bindings : plan.bindings.filter(({ queue }) => own.has(queue));
      if (bindings.length === 0) return;
      await apart(model, `The bindings of the group '${plan.group}'`, async (channel) => {
        for (const { queue, exchange, key } of bindings) await channel.bindQueue(queue, exchange, key);
      });
    },
    deadLetters: (model, name) => queue(model, { name, kind: "dead-letters" }, name),
    wait: async (model, queue, delayMs) => {
      const name = names.wait(queue.name, delayMs);
      if (mode === "none" && queue.kind !== "each") return name;
      await apart(model, `The wait queue '${name}'`, (channel) =>
        mode === "declare" || queue.kind === "each"
          ? channel.assertQueue(name, waitQueueOptions(queue, delayMs))
          : channel.checkQueue(name),
      );
      return name;
    },
  };

  async function queues(model: ChannelModel, plan: GroupPlan): Promise<void> {
    const wanted: readonly WorkQueue[] = [
      { name: plan.deadLetters, kind: "dead-letters" },
      ...plan.queues.filter(({ kind }) => kind !== "dead-letters"),
    ];
    for (const one of wanted) await queue(model, one, plan.deadLetters);
  }

  async function queue(model: ChannelModel, one: WorkQueue, deadLetters: string): Promise<void> {
    // The queue of one member is new each time: nobody else can have made it.
    const own = one.kind === "each";
    if (mode === "none" && !own) return;
    await apart(model, `The queue '${one.name}'`, (channel) =>
      mode === "declare" || own
        ? channel.assertQueue(one.name, queueOptions(one, deadLetters))
        : channel.checkQueue(one.name),
    );
  }
}

async function refuseRival(model: ChannelModel, group: string, rival: string): Promise<void> {
  try {
    await apart(model, `The queue '${rival}'`, (channel) => channel.checkQueue(rival));
  } catch (error) {
    if (isMissing(rootOf(error))) return;
    throw error;
  }
  throw toTransportError(
    Object.assign(
      new Error(
        `the queue '${rival}' exists, so the group was consumed with another ordering or number of partitions, and ` +
          "messages go on gathering there. Drain and delete it, or use another name for the group",
      ),
      { code: 406 },
    ),
    `The group '${group}' cannot be bound`,
  );
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** Runs `work` on a channel that nothing else uses. */
async function apart(
  model: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  try {
    const channel = await model.createChannel();
    // The rejection of the request tells the same.
    channel.on("error", () => undefined);
    await work(channel);
    await closeChannel(channel);
  } catch (error) {
    throw toTransportError(error, `${what} is not to be had`);
  }
}

function queueOptions({ kind }: WorkQueue, deadLetters: string): Options.AssertQueue {
  if (kind === "each") return { durable: false, exclusive: true, autoDelete: true };
  const quorum = { "x-queue-type": "quorum" };
  if (kind === "dead-letters") return { durable: true, arguments: quorum };
  return {
    durable: true,
    arguments: {
      ...quorum,
      "x-delivery-limit": deliveryLimit,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": deadLetters,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      ...(kind === "part" && { "x-single-active-consumer": true }),
    },
  };
}

function waitQueueOptions(queue: WorkQueue, delayMs: number): Options.AssertQueue {
  const back = {
    "x-message-ttl": delayMs,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": queue.name,
  };
  if (queue.kind === "each") return { durable: false, exclusive: true, autoDelete: false, arguments: back };
  return {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      ...back,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    },
  };
}

/** What a subscription needs. @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function planGroup(
  request: SubscriptionRequest,
  { partitions, namePrefix }: ResolvedOptions,
  names: Names,
  member: string,
): GroupPlan {
  const { group, of = "messages", members, channels, ordering, startAt } = request;
  const problems = [
    ...problemsOfGroup(group, namePrefix),
    ...(of === "messages" && channels.length === 0 ? ["channels: must name at least one"] : []),
    ...channels.flatMap(({ channel }) => problemsOfChannel(channel, namePrefix)),
    ...(startAt instanceof Date && Number.isNaN(startAt.getTime()) ? ["startAt: is no valid date"] : []),
    ...problemsOfBound(request.maxInFlight),
  ];
  const deadLetters = names.deadLetters(group);
  const queues = queuesOf(request, partitions, names, member);
  const bindings = of === "dead-letters" ? [] : bindingsOf(request, queues, partitions, names);
  if (bindings.some(({ key }) => Buffer.byteLength(key) > 255))
    problems.push("channels: a type must have at most 252 bytes: a routing key holds 255");
  if (problems.length > 0) throw new OptionsError(`Subscription of '${group}'`, problems);
  const rivals =
    of === "dead-letters" || members === "each"
      ? []
      : rivalsOf(group, ordering === "key" ? partitions : 0, names);
  return { group, queues, deadLetters, bindings, rivals };
}

function queuesOf(
  { group, of, members, ordering }: SubscriptionRequest,
  partitions: number,
  names: Names,
  member: string,
): readonly WorkQueue[] {
  if (of === "dead-letters") return [{ name: names.deadLetters(group), kind: "dead-letters" }];
  if (members === "each") return [{ name: names.each(group, member), kind: "each" }];
  if (ordering === "none") return [{ name: names.queue(group), kind: "shared" }];
  return Array.from({ length: partitions }, (_, index) => ({
    name: names.part(group, index, partitions),
    kind: "part" as const,
  }));
}

function bindingsOf(
  { channels }: SubscriptionRequest,
  queues: readonly WorkQueue[],
  partitions: number,
  names: Names,
): readonly Binding[] {
  return queues.flatMap(({ name, kind }, index) =>
    channels.flatMap(({ channel, types }) =>
      bindingKeys(kind === "part" ? shardsOf(index, partitions) : undefined, types).map((key) => ({
        queue: name,
        exchange: names.exchange(channel),
        key,
      })),
    ),
  );
}

/** `parts` is 0 for a group without order. */
function rivalsOf(group: string, parts: number, names: Names): readonly string[] {
  const others = [1, 2, 4, 8, 16]
    .filter((count) => count !== parts)
    .map((count) => names.part(group, 0, count));
  return parts === 0 ? others : [names.queue(group), ...others];
}

export function problemsOfBound(maxInFlight: number): readonly string[] {
  if (Number.isSafeInteger(maxInFlight) && maxInFlight >= 1) return [];
  return [`maxInFlight: must be a whole number from 1, is ${maxInFlight}`];
}

/** One transport consumes a group once; its dead letters are something else to consume. */
export function subscriptionKey({ group, of = "messages" }: SubscriptionRequest): string {
  return `${of}:${group}`;
}
