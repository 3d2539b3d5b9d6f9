import {
  type Delivery,
  OptionsError,
  type SubscriptionRequest,
  type TransportSubscription,
} from "@postrider/core";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import { subscriptionLost, toTransportError } from "../errors.ts";
import { attemptOf, fromNative } from "../mapping.ts";
import type { ResolvedOptions } from "../options.ts";
import { createDelivery, type DeliveryHolder } from "../settlement.ts";
import { problemsOfBound, type GroupPlan, type Topology, type WorkQueue } from "../topology.ts";
import { completeLetter } from "./bare-letter.ts";
import { giveBackDeadlineMs, type Copies } from "./copies.ts";
import { createHandOver, putBack, report, type HandOver } from "./hand-over.ts";
import { createIntake, type Intake } from "./intake.ts";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";
import { ackTimeoutError, isAckTimeout, saidBy } from "./said.ts";
import { createSpread, type Spread } from "./spread.ts";
import { beginTenure, type Tenure } from "./tenure.ts";

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly request: SubscriptionRequest;
  readonly plan: GroupPlan;
  readonly receive: (delivery: Delivery) => void;
  readonly forget: () => void;
  readonly options: ResolvedOptions;
  readonly names: Names;
  readonly topology: Topology;
  readonly copies: Copies;
  readonly consuming: Link;
  readonly publishing: Link;
}

export interface OpenSubscription {
  readonly subscription: TransportSubscription;
  /** The connection is gone; it goes on with the next one. */
  down(cause: unknown): void;
}

/**
 * What may be fetched from each queue of an ordered group. The same for all members, whatever their bounds: messages that
 * return are put behind others that have returned, so the next member must fetch all of them at once, or their order is
 * lost (RabbitMQ 3.10, tried).
 */
const orderedPrefetch = 100;

/** @throws what declaring and consuming come to. */
export async function createSubscription(
  parts: SubscriptionParts,
  model: ChannelModel,
): Promise<OpenSubscription> {
  const { request, plan, topology, consuming, options, copies } = parts;
  const { group, onFault } = request;
  const fault = (why: string, cause: unknown): void => report(onFault, faultOf(group, why, cause));
  let prefetch = prefetchOf(request, request.maxInFlight);

  await topology.group(model, plan);
  // Once for all queues of the group on each connection, and again when one of them is missing.
  let prepared: { readonly model: ChannelModel; readonly done: Promise<void> } | undefined;
  const prepare = (live: ChannelModel): Promise<void> => {
    if (prepared?.model !== live)
      prepared = { model: live, done: topology.group(live, { ...plan, rivals: [] }) };
    return prepared.done;
  };
  const intakes: readonly Intake[] = plan.queues.map((queue) =>
    createIntake({
      queue: queue.name,
      link: consuming,
      clock: options.clock,
      begin: (live, listener) => beginTenure(live, queue.name, prefetch, options, listener),
      prepare,
      arrived: () => handOver.pump(),
      lost: (tenure, why, cause) => {
        if (why !== "channel") prepared = undefined;
        if (tenure !== undefined) handOver.lose(tenure, "outage");
        // A connection that breaks takes its channels first; of that all are told at once.
        queueMicrotask(() => {
          if (consuming.model() !== undefined) fault(`${whys[why]} '${queue.name}'`, cause);
        });
      },
    }),
  );
  const holders = new Map(
    plan.queues.map((queue) => [queue.name, createHolder(parts, queue, () => handOver)] as const),
  );
  const handOver: HandOver = createHandOver({
    intakes,
    maxInFlight: request.maxInFlight,
    deliver: (fetched, intake) => createDelivery(fetched, holderOf(holders, intake.queue)),
    receive: parts.receive,
    onFailure: (error) => report(onFault, toTransportError(error, "The receiver of deliveries threw")),
  });
  await openAll(intakes);
  const spread = await spreadOf(parts, model, intakes, handOver);

  const forEachQueue = async (work: (intake: Intake, queue: WorkQueue) => Promise<void>): Promise<void> => {
    const all = intakes.map(async (intake, index) => {
      const queue = plan.queues[index];
      if (queue !== undefined) await work(intake, queue);
    });
    await Promise.all(all);
  };
  const close = async (): Promise<void> => {
    handOver.setIntake("stopped");
    await spread?.close();
    await forEachQueue((intake, queue) => leave(parts, handOver, intake, queue));
    parts.forget();
  };
  let closed: Promise<void> | undefined;

  return {
    subscription: {
      pause: () => handOver.setIntake("paused"),
      resume: () => handOver.setIntake("open"),
      setMaxInFlight: (count) => {
        const problems = problemsOfBound(count);
        if (problems.length > 0) throw new OptionsError("setMaxInFlight", problems);
        prefetch = prefetchOf(request, count);
        handOver.setBound(count);
        // Two consumers of one queue for a moment: where only one may be active it would change hands.
        if (request.ordering === "none") for (const intake of intakes) void intake.tenure()?.resize(prefetch);
      },
      stop: async () => {
        handOver.setIntake("stopped");
        // Others should not wait for what was fetched here and is not begun.
        await forEachQueue(async (intake, queue) => {
          const tenure = intake.tenure();
          if (tenure !== undefined && takesCopies(request, queue)) await giveBack(copies, [], tenure, queue);
        });
      },
      close: () => (closed ??= close()),
    },
    down: (cause) => {
      fault("the connection is gone", cause);
    },
  };
}

const whys = {
  channel: "the broker closed the channel of the queue",
  queue: "the broker ended the consumer: it has lost the queue",
  failed: "it cannot be bound again yet: the queue",
} as const;

function faultOf(group: string, why: string, cause: unknown) {
  if (cause !== undefined && isAckTimeout(saidBy(cause))) return ackTimeoutError(group, cause);
  const said = cause instanceof Error ? `${why}: ${cause.message}` : why;
  return subscriptionLost(group, said, cause);
}

/** Twice what is handled at once, so that there is a next one while acknowledgements wait for company. */
function prefetchOf({ ordering }: SubscriptionRequest, maxInFlight: number): number {
  if (ordering === "key") return orderedPrefetch;
  return Math.min(65_535, maxInFlight + Math.min(maxInFlight, 1_000));
}

async function openAll(intakes: readonly Intake[]): Promise<void> {
  try {
    for (const intake of intakes) await intake.open();
  } catch (error) {
    await Promise.all(intakes.map((intake) => intake.close()));
    throw toTransportError(error, "The group cannot be consumed");
  }
}

function holderOf(holders: ReadonlyMap<string, DeliveryHolder>, queue: string): DeliveryHolder {
  const holder = holders.get(queue);
  if (holder === undefined) throw new Error(`no queue '${queue}' in this subscription`);
  return holder;
}

function createHolder(
  { plan, request, copies, options }: SubscriptionParts,
  queue: WorkQueue,
  handOver: () => HandOver,
): DeliveryHolder {
  return {
    queue: queue.name,
    read: (message) => {
      if (queue.kind === "dead-letters") completeLetter(message, plan.group, options.namePrefix);
      return fromNative(message, options.namePrefix);
    },
    freed: (delivery) => handOver().freed(delivery),
    retry: ({ message }, attempt, delayMs) => copies.retry(queue, message, attempt, delayMs),
    deadLetter: (letter) => copies.deadLetter(plan.deadLetters, letter),
    release: async (fetched, attempt) => {
      // A copy would go behind what came later.
      if (request.ordering === "key") {
        putBack(fetched);
        return "kept";
      }
      await copies.retry(queue, fetched.message, attempt, 0);
      return "copied";
    },
  };
}

/**
 * Gives everything back. The broker counts what it gets back with a channel, so copies go to the queue first and the
 * originals are acknowledged; in an ordered group, where a copy would lose its place, the broker counts it.
 */
async function leave(
  { request, copies }: SubscriptionParts,
  handOver: HandOver,
  intake: Intake,
  queue: WorkQueue,
): Promise<void> {
  const tenure = intake.tenure();
  if (tenure !== undefined) {
    const held = handOver.held().filter(({ fetched }) => fetched.tenure === tenure);
    const messages = held.map(({ fetched }) => fetched.message);
    handOver.lose(tenure, "closed");
    if (takesCopies(request, queue)) await giveBack(copies, messages, tenure, queue);
  }
  await intake.close();
}

/** The queue of one member ends with it, and copies keep no order. */
function takesCopies({ ordering }: SubscriptionRequest, { kind }: WorkQueue): boolean {
  return ordering === "none" && kind !== "each";
}

/** Gives back these, and what was fetched and not handed over. */
async function giveBack(
  copies: Copies,
  held: readonly ConsumeMessage[],
  tenure: Tenure,
  queue: WorkQueue,
): Promise<void> {
  await tenure.cancel();
  const messages = [...held, ...tenure.fetched.splice(0)];
  if (messages.length === 0 || !tenure.live()) return;
  const given = await copies.giveBack(
    queue,
    messages.map((message) => ({ message, attempt: attemptOf(message) })),
    giveBackDeadlineMs,
  );
  for (const [index, message] of messages.entries())
    if (given[index] === true) tenure.acks.done(message.fields.deliveryTag);
}

async function spreadOf(
  parts: SubscriptionParts,
  model: ChannelModel,
  intakes: readonly Intake[],
  handOver: HandOver,
): Promise<Spread | undefined> {
  const { request, plan } = parts;
  if (!plan.queues.some(({ kind }) => kind === "part") || intakes.length < 2) return undefined;
  const { group, onFault } = request;
  const alone = (cause: unknown): void =>
    report(onFault, toTransportError(cause, `The members of the group '${group}' do not hear of each other`));
  const { consuming, publishing, options, names } = parts;
  const exchange = names.members(group);
  try {
    return await createSpread(
      { intakes, handOver, exchange, consuming, publishing, options, onFault: alone },
      model,
    );
  } catch (error) {
    // Order and fail-over are the broker's; only the spreading is missed.
    alone(error);
    return undefined;
  }
}
