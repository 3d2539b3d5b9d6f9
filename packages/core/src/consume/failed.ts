import type { Capabilities } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import { toError } from "../errors.ts";
import { decide, type Verdict } from "../failure/decide.ts";
import type { ErrorContext } from "../failure/error-rule.ts";
import type { ResolvedConsumer } from "./definition.ts";
import type { Holds } from "./holds.ts";
import type { Settler } from "./settle.ts";
import type { AttemptOutcome, Work } from "./work.ts";

export type FailedOutcome = Extract<AttemptOutcome, { kind: "failed" }>;

export interface FailedParts {
  readonly consumer: ResolvedConsumer;
  readonly capabilities: Capabilities;
  readonly settler: Settler;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Stops the intake until a person resumes it. */
  readonly pause: (error: Error) => void;
}

/**
 * What becomes of a message whose handler failed. Resolves with true when it is settled, and with false when it is to
 * be tried again here, its wait over and its attempt counted.
 */
export function createFailed(parts: FailedParts): (work: Work, failed: FailedOutcome) => Promise<boolean> {
  const { consumer, settler, holds, clock, logger, random } = parts;

  const retry = async (work: Work, delayMs: number): Promise<boolean> => {
    const keepsOrder = consumer.ordering === "key" && work.facts.key !== undefined;
    if (!keepsOrder && parts.capabilities.nativeDelay) {
      await settler.retry(work.delivery, delayMs, work.attempt + 1);
      return true;
    }
    settler.keptForRetry();
    // Held here without a slot: in its lane where order was asked for, so that later messages of the key wait.
    if (!(await holds.hold(delayMs, work.delivery.signal))) {
      await settler.release(work.delivery, "released");
      return true;
    }
    work.attempt += 1;
    return false;
  };

  return async (work, failed) => {
    work.firstFailedAt ??= new Date(clock.now()).toISOString();
    const verdict = judge(parts, work, failed);
    logger.info("A handler failed", {
      consumer: consumer.name,
      type: work.facts.type,
      id: work.facts.id,
      attempt: work.attempt,
      then: verdict.kind,
      reason: failed.error.message,
    });
    switch (verdict.kind) {
      case "discard":
        await settler.ack(work.delivery, "discarded");
        return true;
      case "pause":
        parts.pause(failed.error);
        await settler.release(work.delivery, "paused");
        return true;
      case "dead-letter":
        await settler.deadLetter(work.delivery, {
          reason: verdict.reason,
          attempts: work.attempt,
          error: failed.error,
          firstFailedAt: work.firstFailedAt,
        });
        return true;
      case "retry":
        return retry(work, verdict.delayMs);
    }
  };
}

function judge(parts: FailedParts, work: Work, failed: FailedOutcome): Verdict {
  const { consumer, logger, random } = parts;
  const policy = { retry: consumer.retry, rules: consumer.errors };
  try {
    const verdict = decide(failed.error, contextOf(consumer.name, work, failed), policy, random, logger);
    const holdsKey = consumer.onExhausted === "hold-key" && work.facts.key !== undefined;
    return verdict.kind === "dead-letter" && verdict.reason === "exhausted" && holdsKey
      ? { kind: "retry", delayMs: consumer.retry.delayMs(consumer.retry.attempts, random) }
      : verdict;
  } catch (thrown) {
    logger.error("The retry policy threw; the message is tried again in a second", {
      consumer: consumer.name,
      reason: toError(thrown).message,
    });
    return { kind: "retry", delayMs: 1_000 };
  }
}

function contextOf(consumer: string, work: Work, { prepared }: FailedOutcome): ErrorContext {
  return {
    consumer,
    message: prepared?.message,
    attempt: work.attempt,
    headers: prepared?.headers ?? {},
    extensions: prepared?.extensions ?? {},
    tenant: work.facts.tenant,
  };
}
