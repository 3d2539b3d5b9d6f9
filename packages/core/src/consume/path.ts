import type { Capabilities } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Delivery } from "../contracts/subscription.ts";
import { soundError } from "../failure/sound-error.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Attempts } from "./attempt/attempt.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { drain } from "./drain.ts";
import { createFailed } from "./settle/failed.ts";
import { createHolds, type Holds } from "./settle/holds.ts";
import { createIntake } from "./intake/intake.ts";
import type { IntakeSwitch } from "./intake/intake-switch.ts";
import { createOutageGate, type OutageListener } from "./settle/outage.ts";
import { createProcess, type Process } from "./settle/process.ts";
import { createRunning } from "./running.ts";
import type { Refuse } from "./settle/refuse.ts";
import { createSettler, type ConsumerCounts, type Settler } from "./settle/settle.ts";
import { createSlots } from "./intake/slots.ts";
import { createStages } from "./intake/stages.ts";
import { laneOf, type Work } from "./work.ts";

/*
 * The consume path, put together: intake → lanes → (collect) → slots → attempt → settle. Each of them decides one
 * thing and stands in its own file; this one says in what order, and how it all ends.
 */

/** What a delivery goes through between the subscription and its settlement. */
export interface ConsumePath {
  take(delivery: Delivery): void;
  counts(): ConsumerCounts;
  /** Whatever comes from now on goes back. */
  turnAway(): void;
  /** Nothing begins any more, whoever waits is turned away, and what runs gets its time. */
  end(drainMs: number): Promise<void>;
}

export interface PathParts {
  readonly consumer: ResolvedConsumer;
  readonly capabilities: Capabilities;
  /** Makes the attempts, given the signal that ends them. */
  readonly attempts: (closing: AbortSignal) => Attempts;
  readonly isConflict: (error: Error) => boolean;
  readonly intakeSwitch: IntakeSwitch;
  readonly refuse: Refuse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly random: () => number;
}

/** Between a failure of our own and the message's return: it must not come back in a busy loop. */
const pauseMs = 1_000;

export function createPath(parts: PathParts): ConsumePath {
  const { consumer, clock, logger, telemetry } = parts;
  const { name } = consumer;
  const { instruments } = telemetry;
  const abort = new AbortController();
  const holds = createHolds(clock);
  const settler = createSettler({ consumer: name, clock, logger, instruments, holds });
  const running = createRunning((thrown) => {
    logger.error("The consumer failed", { consumer: name, reason: soundError(thrown).message });
  });
  const giveBack = (works: readonly Work[]) => {
    for (const work of works) running.track(settler.release(work.delivery, "released").then(() => undefined));
  };
  const { run, close: closeMiddle } = createMiddle(parts, settler, holds, abort.signal);
  const stages = createStages({ consumer, clock, run, giveBack, track: running.track });
  const intake = createIntake({ consumer, settler, accept: stages.accept });
  let closing = false;

  const take = async (delivery: Delivery): Promise<void> => {
    instruments.consumed(delivery.message.channel, name);
    try {
      if (!closing) return await intake(delivery);
    } catch (thrown) {
      // Nothing above throws. If it does all the same, the message must not stay with us for ever.
      const reason = soundError(thrown).message;
      logger.error("The consumer failed on a message; it comes again", { consumer: name, reason });
      await holds.hold(pauseMs, delivery.signal);
    }
    await settler.release(delivery, "released");
  };

  return {
    take: (delivery) => running.track(take(delivery)),
    counts: settler.counts,
    turnAway: () => {
      closing = true;
    },
    end: (drainMs) => {
      giveBack(stages.close());
      closeMiddle();
      return drain(clock, drainMs, running, abort);
    },
  };
}

/** From the slots to the settlement. */
function createMiddle(
  parts: PathParts,
  settler: Settler,
  holds: Holds,
  closing: AbortSignal,
): { run: Process; close(): void } {
  const { consumer, clock, random } = parts;
  const slots = createSlots(consumer.concurrency);
  const gate = createOutageGate(clock, random, outageListener(parts));
  const run = createProcess({
    ...parts,
    consumer: consumer.name,
    attempts: parts.attempts(closing),
    slots,
    settler,
    gate,
    holds,
    pauseMs,
    failed: createFailed({ ...parts, settler, holds, pause: (error) => pauseByPolicy(parts, error) }),
    laneOf: (work) => laneOf(consumer.ordering, work),
  });
  const close = () => {
    slots.close();
    holds.close();
    gate.close();
  };
  return { run, close };
}

function outageListener({ consumer: { name }, logger, intakeSwitch }: PathParts): OutageListener {
  return {
    began: ({ message }) => {
      logger.warn("The database cannot be reached; the consumer waits and counts nothing", {
        consumer: name,
        reason: message,
      });
      intakeSwitch.off("outage");
    },
    ended: (why) => {
      if (why === "proved") logger.info("The database is back", { consumer: name });
      intakeSwitch.on("outage");
    },
  };
}

function pauseByPolicy({ consumer: { name }, logger, intakeSwitch }: PathParts, { message }: Error): void {
  logger.error("The consumer is paused by its error policy until resume() is called", {
    consumer: name,
    reason: message,
  });
  intakeSwitch.off("person");
}
