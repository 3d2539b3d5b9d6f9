import {
  type Delivery,
  OptionsError,
  type SubscriptionRequest,
  type TransportSubscription,
} from "@postrider/core";
import type { Redis } from "ioredis";
import { subscriptionLost, toTransportError } from "../errors.ts";
import { attemptOf } from "../mapping.ts";
import type { ResolvedOptions } from "../options.ts";
import { createDelivery, type DeliveryHolder } from "../settlement.ts";
import { type GroupPlan, problemsOfBound, type Topology } from "../topology.ts";
import { createAcks } from "./acks.ts";
import { createCopies } from "./copies.ts";
import type { Fetched } from "./fetched.ts";
import { createHandOver, type HandOver, report } from "./hand-over.ts";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";
import { createOrderedReader } from "./ordered-reader.ts";
import { createSharedReader, type Reader } from "./shared-reader.ts";
import { startUpkeep } from "./upkeep.ts";

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly request: SubscriptionRequest;
  readonly plan: GroupPlan;
  readonly receive: (delivery: Delivery) => void;
  readonly forget: () => void;
  readonly options: ResolvedOptions;
  readonly names: Names;
  readonly topology: Topology;
  readonly consuming: Link;
}

export interface OpenSubscription {
  readonly subscription: TransportSubscription;
  /** The connection for settling is gone. */
  down(cause: unknown): void;
  /** It is back. */
  up(): void;
}

/** @throws what binding and connecting come to. */
export async function createSubscription(parts: SubscriptionParts, client: Redis): Promise<OpenSubscription> {
  const { request, plan, topology, consuming, options, names } = parts;
  const { onFault } = request;
  const failed = (what: string, error: unknown): void => {
    const failure = toTransportError(error, what);
    // Of a connection that breaks the subscription is told once, and not by everything that was under way.
    if (failure.code !== "TRANSPORT_UNAVAILABLE") report(onFault, failure);
  };
  const fault = (why: string, cause?: unknown): void =>
    report(onFault, subscriptionLost(request.group, why, cause));
  const isOrdered = plan.queues.some(({ kind }) => kind === "part");
  const isEach = plan.queues.some(({ kind }) => kind === "each");

  await topology.group(client, plan);
  const acks = createAcks(consuming, plan.group);
  const copies = createCopies({
    link: consuming,
    group: plan.group,
    deadLetters: plan.deadLetters,
    maxMessageBytes: options.maxMessageBytes,
    onParked: (delayMs) => upkeep.parked(delayMs),
  });
  const holder: DeliveryHolder = {
    ack: acks.add,
    freed: (delivery) => handOver.freed(delivery),
    retry: copies.retry,
    deadLetter: copies.deadLetter,
    release: async (fetched, attempt) => {
      // A copy would go behind what came later.
      if (isOrdered) handOver.putBack({ ...fetched, entry: { ...fetched.entry, returned: true } });
      else await copies.retry(fetched, attempt, 0);
    },
  };
  const handOver: HandOver = createHandOver({
    maxInFlight: request.maxInFlight,
    // Nobody else may have what this member owns; what is anybody's is not held back.
    ahead: isOrdered ? "as-many-again" : "none",
    deliver: (fetched) => createDelivery(fetched, holder),
    receive: parts.receive,
    onFailure: (error) => failed("The receiver of deliveries threw", error),
    onRoom: () => reader.hasRoom(),
  });
  const rebind = async (cause: unknown): Promise<void> => {
    const live = consuming.client();
    if (live === undefined) return;
    fault("its streams or their groups were deleted, with the messages in them", cause);
    // What was published since then is read from the beginning; by one member of many only from now on.
    await topology.group(live, { ...plan, startId: isEach ? "$" : "0" });
  };
  const readerParts = {
    options,
    plan,
    consuming,
    handOver,
    flushAcks: acks.flush,
    rebind,
    giveBack: async (fetched: Fetched) => {
      // The group of one member ends with it.
      if (!isEach) await copies.retry(fetched, attemptOf(fetched.entry), 0);
    },
    onFailure: failed,
    onGone: (count: number) => fault(`${count} messages were deleted before they were acknowledged`),
  };
  const reader: Reader = isOrdered
    ? createOrderedReader({ ...readerParts, members: names.members(request.group) })
    : createSharedReader(readerParts);
  const upkeep = startUpkeep({ options, plan, names, consuming, onFailure: failed });
  try {
    await reader.open();
  } catch (error) {
    await upkeep.end();
    throw toTransportError(error, `The group '${request.group}' cannot be consumed`);
  }

  const close = async (): Promise<void> => {
    handOver.setIntake("stopped");
    await upkeep.end();
    try {
      await reader.close();
      await acks.flush();
      const live = consuming.client();
      if (isEach && live !== undefined) await topology.leave(live, plan);
    } catch {
      // The connection broke meanwhile: what was not given back comes again when its lease is over.
    } finally {
      parts.forget();
    }
  };
  let closed: Promise<void> | undefined;

  return {
    subscription: {
      pause: () => handOver.setIntake("paused"),
      resume: () => handOver.setIntake("open"),
      setMaxInFlight: (count) => {
        const problems = problemsOfBound(count);
        if (problems.length > 0) throw new OptionsError("setMaxInFlight", problems);
        handOver.setBound(count);
      },
      stop: async () => {
        handOver.setIntake("stopped");
        await reader.stop();
      },
      close: () => (closed ??= close()),
    },
    down: (cause) => {
      reader.down(cause);
      fault("the connection is gone", cause);
    },
    up: reader.up,
  };
}
