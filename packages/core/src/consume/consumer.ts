import { AsyncResource } from "node:async_hooks";
import type { Capabilities } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Delivery, SubscriptionRequest, TransportConsumer } from "../contracts/subscription.ts";
import { soundError } from "../failure/sound-error.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Attempts } from "./attempt.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { drain, drainMsOf, type CloseOptions } from "./drain.ts";
import { createFailed } from "./failed.ts";
import { createHolds } from "./holds.ts";
import { createIntake } from "./intake.ts";
import { createIntakeSwitch } from "./intake-switch.ts";
import { createOutageGate } from "./outage.ts";
import { createProcess } from "./process.ts";
import { createRunning } from "./running.ts";
import { createSettler, type ConsumerCounts } from "./settle.ts";
import { createSlots } from "./slots.ts";
import { createStages } from "./stages.ts";
import { laneOf, type Work } from "./work.ts";

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
   *
   * @throws OptionsError (CONFIG_INVALID) for a `drainMs` that is no number from 0; nothing is closed then.
   */
  close(options?: CloseOptions): Promise<void>;
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

export async function startConsumer(parts: ConsumerParts): Promise<Subscription> {
  const { consumer, logger, telemetry } = parts;
  const { name } = consumer;
  const path = createPath(parts);
  const { intake, settler, running, intakeSwitch } = path;
  let closing = false;

  const take = async (delivery: Delivery): Promise<void> => {
    telemetry.instruments.consumed(delivery.message.channel, name);
    try {
      if (!closing) return await intake(delivery);
    } catch (thrown) {
      logger.error("The consumer failed on a message; it comes again", {
        consumer: name,
        reason: soundError(thrown).message,
      });
    }
    await settler.release(delivery, "released");
  };
  // A broker in this process calls from wherever somebody published: inside another handler, with its lineage and trace.
  const receive = AsyncResource.bind((delivery: Delivery) => running.track(take(delivery)));
  const subscription = await parts.transport.subscribe(requestOf(consumer, logger), receive);
  intakeSwitch.connect(subscription);

  const close = async (drainMs: number): Promise<void> => {
    closing = true;
    intakeSwitch.close();
    try {
      await subscription.stop();
    } finally {
      await path.end(drainMs);
      await subscription.close();
    }
  };
  let closed: Promise<void> | undefined;
  const closeOnce = async (options?: CloseOptions): Promise<void> => {
    const drainMs = drainMsOf(options);
    await (closed ??= close(drainMs));
  };
  return {
    consumer: name,
    pause: () => intakeSwitch.off("person"),
    resume: () => intakeSwitch.on("person"),
    counts: settler.counts,
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}

/** Everything between the subscription and the handlers. */
function createPath(parts: ConsumerParts) {
  const { consumer, clock, logger, random, capabilities } = parts;
  const { name } = consumer;
  const abort = new AbortController();
  const intakeSwitch = createIntakeSwitch();
  const holds = createHolds(clock);
  const slots = createSlots(consumer.concurrency);
  const settler = createSettler({
    consumer: name,
    clock,
    logger,
    instruments: parts.telemetry.instruments,
    holds,
  });
  const running = createRunning((thrown) => {
    logger.error("The consumer failed", { consumer: name, reason: soundError(thrown).message });
  });
  const gate = createOutageGate(clock, random, {
    began: (error) => {
      logger.warn("The database cannot be reached; the consumer waits and counts nothing", {
        consumer: name,
        reason: error.message,
      });
      intakeSwitch.off("outage");
    },
    ended: (why) => {
      if (why === "proved") logger.info("The database is back", { consumer: name });
      intakeSwitch.on("outage");
    },
  });
  const pause = (error: Error) => {
    logger.error("The consumer is paused by its error policy until resume() is called", {
      consumer: name,
      reason: error.message,
    });
    intakeSwitch.off("person");
  };
  const run = createProcess({
    consumer: name,
    attempts: parts.attempts(abort.signal),
    slots,
    settler,
    gate,
    holds,
    logger,
    failed: createFailed({ consumer, capabilities, settler, holds, clock, logger, random, pause }),
    isConflict: parts.isConflict,
    laneOf: (work) => laneOf(consumer.ordering, work),
  });
  const giveBack = (works: readonly Work[]) => {
    for (const work of works) running.track(settler.release(work.delivery, "released").then(() => undefined));
  };
  const stages = createStages({ consumer, clock, run, giveBack, track: running.track });

  return {
    intake: createIntake({ consumer, settler, accept: stages.accept }),
    settler,
    running,
    intakeSwitch,
    /** Nothing begins any more, whoever waits is turned away, and what runs gets its time. */
    end: (drainMs: number): Promise<void> => {
      giveBack(stages.close());
      slots.close();
      holds.close();
      gate.close();
      return drain(clock, drainMs, running, abort);
    },
  };
}

function requestOf(consumer: ResolvedConsumer, logger: Logger): SubscriptionRequest {
  const types = [...consumer.routes.values()].flatMap((route) => [
    route.parts.type,
    ...route.parts.upcasts.map((upcast) => upcast.from),
  ]);
  // To dead-letter what nobody handles it must be seen; and a foreign message has whatever type its producer gave it.
  const all = consumer.unhandled === "dead-letter" || consumer.foreign !== undefined;
  return {
    group: consumer.name,
    channels: consumer.channels.map((channel) => ({ channel, types: all ? ("all" as const) : types })),
    ordering: consumer.ordering,
    members: consumer.members,
    startAt: consumer.startAt,
    maxInFlight: consumer.maxInFlight,
    onFault: ({ code, message }) => {
      logger.warn("The subscription had a fault", { consumer: consumer.name, code, reason: message });
    },
  };
}
