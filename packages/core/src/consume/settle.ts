import type { Clock } from "../contracts/clock.ts";
import type { DeadLetter, DeadLetterReason } from "../contracts/dead-letter.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Delivery } from "../contracts/subscription.ts";
import { encodeDeadLetter } from "../envelope/dead-letter.ts";
import { toError } from "../errors.ts";
import { describeError } from "../failure/describe-error.ts";
import type { ConsumeOutcome, Instruments } from "../telemetry/instruments.ts";
import type { Holds } from "./holds.ts";

/*
 * From a decision to the broker. Before: the effect, or the decision against it, is final. After: the broker knows.
 * What the broker does not hear comes again, and the inbox drops it.
 */

/** How often each outcome was settled since the start. */
export type ConsumerCounts = { readonly [K in ConsumeOutcome]: number };

export interface LetterFacts {
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly error: unknown;
  readonly firstFailedAt: string | undefined;
}

export interface Settler {
  ack(delivery: Delivery, outcome: "handled" | "duplicate" | "unhandled" | "discarded"): Promise<void>;
  retry(delivery: Delivery, delayMs: number, nextAttempt: number): Promise<void>;
  /** Notes a retry that is made here, without the broker. */
  keptForRetry(): void;
  /** Returns it uncounted. */
  release(delivery: Delivery, outcome: "released" | "paused"): Promise<void>;
  /**
   * Tries until the letter is written, with growing waits, as long as the delivery is ours: the original is never
   * acknowledged without its letter.
   */
  deadLetter(delivery: Delivery, letter: LetterFacts): Promise<void>;
  counts(): ConsumerCounts;
}

const firstLetterWaitMs = 500;
const longestLetterWaitMs = 30_000;

export interface SettlerParts {
  readonly consumer: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly instruments: Instruments;
  readonly holds: Holds;
}

export function createSettler({ consumer, clock, logger, instruments, holds }: SettlerParts): Settler {
  const counts = { handled: 0, duplicate: 0, unhandled: 0, retried: 0, "dead-lettered": 0, discarded: 0, released: 0, paused: 0 };
  const note = (outcome: ConsumeOutcome) => {
    counts[outcome] += 1;
    instruments.outcome(consumer, outcome);
  };
  const attemptTo = async (said: string, settle: () => Promise<void>): Promise<boolean> => {
    try {
      await settle();
      return true;
    } catch (thrown) {
      logger.warn(`The broker did not take ${said}; the message comes again`, { consumer, reason: toError(thrown).message });
      return false;
    }
  };

  return {
    ack: async (delivery, outcome) => {
      note(outcome);
      await attemptTo("an acknowledgement", () => delivery.settle({ kind: "ack" }));
    },
    retry: async (delivery, delayMs, nextAttempt) => {
      note("retried");
      await attemptTo("a retry", () => delivery.settle({ kind: "retry", delayMs, attempt: nextAttempt }));
    },
    keptForRetry: () => note("retried"),
    release: async (delivery, outcome) => {
      note(outcome);
      await attemptTo("a message back", () => delivery.settle({ kind: "release" }));
    },
    deadLetter: async (delivery, facts) => {
      const letter = encodeDeadLetter(recordOf(consumer, delivery, facts, clock));
      for (let waitMs = firstLetterWaitMs; ; waitMs = Math.min(longestLetterWaitMs, waitMs * 2)) {
        if (await attemptTo("a dead letter", () => delivery.settle({ kind: "dead-letter", letter }))) break;
        if (!(await holds.hold(waitMs, delivery.signal))) return;
      }
      note("dead-lettered");
      logger.error("A message went to the dead letters", {
        consumer,
        reason: facts.reason,
        attempts: facts.attempts,
        error: toError(facts.error).message,
        ...delivery.origin,
      });
    },
    counts: () => ({ ...counts }),
  };
}

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
