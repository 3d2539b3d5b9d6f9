import type { Capabilities } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { TransportConsumer, TransportSubscription } from "../contracts/subscription.ts";
import { toError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Attempts } from "./attempt.ts";
import { createCollector, type Collector } from "./collector.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { createFailed } from "./failed.ts";
import { createHolds } from "./holds.ts";
import { createIntake } from "./intake.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import { createOutageGate } from "./outage.ts";
import { createProcess } from "./process.ts";
import { createRunning } from "./running.ts";
import { createSettler, type ConsumerCounts } from "./settle.ts";
import { createSlots } from "./slots.ts";
import type { Work } from "./work.ts";

/*
 * The consume path, put together: intake → lanes → (collect) → slots → attempt → settle. Each of them decides one
 * thing and stands in its own file; this one says in what order, and how it all ends.
 */

/** A consumer at work. */
export interface Subscription extends AsyncDisposable {
  readonly consumer: string;
  /** Takes nothing new; what is under way goes on. */
  pause(): void;
  resume(): void;
  /** What became of the messages so far, in this process. */
  counts(): ConsumerCounts;
  /**
   * Takes nothing new, gives back what has not begun, waits for running handlers up to `drainMs`, then aborts their
   * signal, rolls their work back and gives their messages back, uncounted. Safe to call twice.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** How long running handlers may take to end, in milliseconds. Default 10,000. */
  readonly drainMs?: number | undefined;
}

export interface ConsumerParts {
  readonly consumer: ResolvedConsumer;
  readonly transport: TransportConsumer;
  readonly capabilities: Capabilities;
  /** Makes the attempts, given the signal that ends them. */
  readonly attempts: (closing: AbortSignal) => Attempts;
  readonly isConflict: (error: Error) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly random: () => number;
}

/** How long a roll-back may take after the signal fired; a frozen database must not keep a close from ending. */
const unwindMs = 5_000;

export async function startConsumer(parts: ConsumerParts): Promise<Subscription> {
  const { consumer, clock, logger, random } = parts;
  const { name } = consumer;
  const abort = new AbortController();
  const intakeSwitch = createSwitch();
  const holds = createHolds(clock);
  const slots = createSlots(consumer.concurrency);
  const settler = createSettler({ consumer: name, clock, logger, instruments: parts.telemetry.instruments, holds });
  const running = createRunning((thrown) => {
    logger.error("The consumer failed on a message; it comes again", { consumer: name, reason: toError(thrown).message });
  });
  const gate = createOutageGate(clock, random, {
    began: (error) => {
      logger.warn("The database cannot be reached; the consumer waits and counts nothing", { consumer: name, reason: error.message });
      intakeSwitch.off("outage");
    },
    ended: () => {
      logger.info("The database is back", { consumer: name });
      intakeSwitch.on("outage");
    },
  });
  const pause = (error: Error) => {
    logger.error("The consumer is paused by its error policy until resume() is called", { consumer: name, reason: error.message });
    intakeSwitch.off("person");
  };
  const process = createProcess({
    attempts: parts.attempts(abort.signal),
    slots,
    settler,
    gate,
    failed: createFailed({ consumer, capabilities: parts.capabilities, settler, holds, clock, logger, random, pause }),
    isConflict: parts.isConflict,
  });
  const { lanes, collectors } = createStages(consumer, clock, (works, done) => {
    running.track(process(works).finally(done));
  });
  const intake = createIntake({ consumer, settler, accept: lanes.add });
  const closing = { begun: false };

  const subscription = await parts.transport.subscribe(requestOf(consumer, logger), (delivery) => {
    parts.telemetry.instruments.consumed(delivery.message.channel, name);
    running.track(closing.begun ? settler.release(delivery, "released") : intake(delivery));
  });
  intakeSwitch.connect(subscription);

  const close = async ({ drainMs = 10_000 }: CloseOptions = {}): Promise<void> => {
    closing.begun = true;
    await subscription.stop();
    for (const collector of collectors.values()) collector.flush();
    for (const work of lanes.clear()) running.track(settler.release(work.delivery, "released"));
    slots.close();
    holds.close();
    gate.close();
    const cancelAbort = clock.schedule(drainMs, () => abort.abort(new Error("The consumer closes")));
    await within(clock, drainMs + unwindMs, running.idle());
    cancelAbort();
    await subscription.close();
  };
  let closed: Promise<void> | undefined;
  const closeOnce = (options?: CloseOptions): Promise<void> => (closed ??= close(options));
  return {
    consumer: name,
    pause: () => intakeSwitch.off("person"),
    resume: () => intakeSwitch.on("person"),
    counts: settler.counts,
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}

/** Lanes, and a collector for each batch handler behind them. */
function createStages(
  consumer: ResolvedConsumer,
  clock: Clock,
  run: (works: readonly Work[], done: () => void) => void,
): { lanes: Lanes<Work>; collectors: ReadonlyMap<Work["route"], Collector<Work>> } {
  const collectors = new Map<Work["route"], Collector<Work>>();
  const begin = (works: readonly Work[]) => run(works, () => works.forEach((work) => lanes.done(work)));
  for (const route of consumer.routes.values()) {
    if (route.mode === "batch") collectors.set(route, createCollector<Work>(clock, route, begin));
  }
  const lanes: Lanes<Work> = createLanes({
    keyOf: (work) => (consumer.ordering === "key" ? work.facts.key : undefined),
    joins: (active, next) => active.route === next.route && collectors.get(next.route)?.holds(active) === true,
    start: (works) => {
      for (const work of works) {
        const collector = collectors.get(work.route);
        if (collector === undefined) begin([work]);
        else collector.add(work);
      }
    },
  });
  return { lanes, collectors };
}

/** The intake is on while nobody has a reason for it to be off. */
function createSwitch() {
  const reasons = new Set<"person" | "outage">();
  let subscription: TransportSubscription | undefined;
  return {
    connect: (to: TransportSubscription) => {
      subscription = to;
      if (reasons.size > 0) to.pause();
    },
    off: (reason: "person" | "outage") => {
      reasons.add(reason);
      subscription?.pause();
    },
    on: (reason: "person" | "outage") => {
      reasons.delete(reason);
      if (reasons.size === 0) subscription?.resume();
    },
  };
}

function requestOf(consumer: ResolvedConsumer, logger: Logger) {
  const types = [...consumer.routes.values()].flatMap((route) => [
    route.parts.type,
    ...route.parts.upcasts.map((upcast) => upcast.from),
  ]);
  return {
    group: consumer.name,
    // Dead-lettering what nobody handles needs to see it.
    channels: consumer.channels.map((channel) => ({ channel, types: consumer.unhandled === "ack" ? types : ("all" as const) })),
    ordering: consumer.ordering,
    members: consumer.members,
    startAt: consumer.startAt,
    maxInFlight: consumer.maxInFlight,
    onFault: (error: { readonly code: string; readonly message: string }) => {
      logger.warn("The subscription had a fault", { consumer: consumer.name, code: error.code, reason: error.message });
    },
  };
}

/** Resolves with the task, or when the time is over. */
async function within(clock: Clock, limitMs: number, task: Promise<void>): Promise<void> {
  let cancel = () => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.schedule(limitMs, resolve);
  });
  await Promise.race([task, over]);
  cancel();
}
