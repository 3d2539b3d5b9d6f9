import type { Clock } from "../../contracts/clock.ts";
import type { DeadLetter, DeadLetterReason } from "../../contracts/dead-letter.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { Delivery, Settlement } from "../../contracts/subscription.ts";
import { encodeDeadLetter } from "../../envelope/dead-letter.ts";
import { isMessagingError } from "../../errors.ts";
import { describeError } from "../../failure/describe-error.ts";
import { soundError } from "../../failure/sound-error.ts";
import type { ConsumeOutcome, Instruments } from "../../telemetry/instruments.ts";
import type { Holds } from "./holds.ts";
import type { End } from "../work.ts";

/*
 * From a decision to the broker. Before: the effect, or the decision against it, is final. After: the broker knows.
 * What the broker does not take is said again, with growing waits, as long as the delivery is ours; afterwards the
 * message comes again, and the inbox drops it.
 */

/** How often each outcome was settled since the start. */
export type ConsumerCounts = { readonly [K in ConsumeOutcome]: number };

export interface LetterFacts {
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly error: unknown;
  readonly firstFailedAt: string | undefined;
}

/** `returned`: the broker did not take it while the delivery was ours. */
export interface Settler {
  ack(delivery: Delivery, outcome: "handled" | "duplicate" | "unhandled" | "discarded"): Promise<End>;
  retry(delivery: Delivery, delayMs: number, attempt: number): Promise<End>;
  /** Notes a retry that is made here, without the broker. */
  keptForRetry(): void;
  /** Returns it uncounted. */
  release(delivery: Delivery, outcome: "released" | "paused"): Promise<End>;
  /** The original is never acknowledged without its letter. */
  deadLetter(delivery: Delivery, letter: LetterFacts): Promise<End>;
  counts(): ConsumerCounts;
}

const firstWaitMs = 500;
const longestWaitMs = 30_000;

export interface SettlerParts {
  readonly consumer: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly instruments: Instruments;
  readonly holds: Holds;
}

export function createSettler({ consumer, clock, logger, instruments, holds }: SettlerParts): Settler {
  const counts = {
    handled: 0,
    duplicate: 0,
    unhandled: 0,
    retried: 0,
    "dead-lettered": 0,
    discarded: 0,
    released: 0,
    paused: 0,
  };
  const note = (outcome: ConsumeOutcome) => {
    counts[outcome] += 1;
    instruments.outcome(consumer, outcome);
  };

  const isTaken = async (delivery: Delivery, settlement: Settlement): Promise<boolean> => {
    try {
      await delivery.settle(settlement);
      return true;
    } catch (thrown) {
      if (isMessagingError(thrown, "USAGE_ALREADY_SETTLED")) return true; // nothing is left to be said
      const reason = soundError(thrown).message;
      logger.warn(`The broker did not take ${said[settlement.kind]}`, {
        consumer,
        reason,
        ...delivery.origin,
      });
      return false;
    }
  };
  const say = async (delivery: Delivery, settlement: Settlement): Promise<End> => {
    for (
      let waitMs = firstWaitMs;
      !(await isTaken(delivery, settlement));
      waitMs = Math.min(longestWaitMs, waitMs * 2)
    ) {
      if (!(await holds.hold(waitMs, delivery.signal))) return "returned";
    }
    return "settled";
  };

  return {
    ack: (delivery, outcome) => {
      note(outcome);
      return say(delivery, { kind: "ack" });
    },
    retry: (delivery, delayMs, attempt) => {
      note("retried");
      return say(delivery, { kind: "retry", delayMs, attempt });
    },
    keptForRetry: () => note("retried"),
    release: (delivery, outcome) => {
      note(outcome);
      return say(delivery, { kind: "release" });
    },
    deadLetter: async (delivery, facts) => {
      const letter = encodeDeadLetter(recordOf(consumer, delivery, facts, clock));
      if ((await say(delivery, { kind: "dead-letter", letter })) === "returned") return "returned";
      note("dead-lettered");
      const { reason, attempts } = facts;
      logger.error("A message went to the dead letters", {
        consumer,
        reason,
        attempts,
        error: soundError(facts.error).message,
        ...delivery.origin,
      });
      return "settled";
    },
    counts: () => ({ ...counts }),
  };
}

const said: Readonly<Record<Settlement["kind"], string>> = {
  ack: "an acknowledgement",
  retry: "a retry",
  release: "a message back",
  "dead-letter": "a dead letter",
};

function recordOf(consumer: string, delivery: Delivery, facts: LetterFacts, clock: Clock): DeadLetter {
  const now = new Date(clock.now()).toISOString();
  return {
    reason: facts.reason,
    consumer,
    attempts: facts.attempts,
    errors: describeError(facts.error),
    firstFailedAt: facts.firstFailedAt ?? now,
    deadLetteredAt: now,
    origin: { channel: delivery.message.channel, ...delivery.origin },
    message: delivery.message,
  };
}
