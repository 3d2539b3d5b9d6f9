import type { DeadLetterReason } from "../contracts/dead-letter.ts";
import type { Logger } from "../contracts/logger.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { Reject, RetryAfter } from "./control.ts";
import type { ErrorContext, ErrorRule } from "./error-rule.ts";
import { soundError } from "./sound-error.ts";

/** What to do with a message whose handler failed. */
export type Verdict =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "dead-letter"; readonly reason: DeadLetterReason }
  | { readonly kind: "discard" }
  | { readonly kind: "pause" };

export interface FailurePolicy {
  readonly retry: RetryPolicy;
  readonly rules: readonly ErrorRule[];
  /** `hold`: a message whose attempts are used up is tried again for ever, at the policy's last wait. */
  readonly exhausted: "dead-letter" | "hold";
}

/** What a policy is asked for besides its answer. */
export interface Surroundings {
  readonly random: () => number;
  readonly logger: Logger;
}

/** In place of a wait that a policy of the user's cannot name. Not 0: a mistake must not become a busy loop. */
const fallbackWaitMs = 1_000;
/** A held message has failed all its attempts: an immediate policy must not turn it into a busy loop. */
const shortestHoldMs = 1_000;

/**
 * From an error to what becomes of the message. Pure but for the log: Reject first, then the first rule that matches,
 * then RetryAfter, then the policy.
 */
export function decide(
  error: Error,
  context: ErrorContext,
  policy: FailurePolicy,
  around: Surroundings,
): Verdict {
  if (error instanceof Reject) return { kind: "dead-letter", reason: "rejected" };
  const action = firstMatch(error, context, policy.rules, around.logger)?.action ?? "retry";
  switch (action) {
    case "dead-letter":
      return { kind: "dead-letter", reason: "rejected" };
    case "discard":
    case "pause":
      return { kind: action };
    case "retry":
      return byPolicy(error, context, policy, around);
    default:
      return byPolicy(error, context, { ...policy, retry: action }, around);
  }
}

function byPolicy(error: Error, context: ErrorContext, policy: FailurePolicy, around: Surroundings): Verdict {
  const { retry, exhausted } = policy;
  if (context.attempt < retry.attempts) {
    const ask = () =>
      error instanceof RetryAfter ? error.delayMs : retry.delayMs(context.attempt, around.random);
    return { kind: "retry", delayMs: soundWait(ask, context, around.logger) };
  }
  if (exhausted === "dead-letter") return { kind: "dead-letter", reason: "exhausted" };
  const last = Math.max(1, retry.attempts - 1);
  const delayMs = soundWait(() => retry.delayMs(last, around.random), context, around.logger);
  return { kind: "retry", delayMs: Math.max(shortestHoldMs, delayMs) };
}

/** A policy of the user's may throw or answer nonsense; a message must neither hang on it nor spin. */
function soundWait(ask: () => number, context: ErrorContext, logger: Logger): number {
  let reason: string;
  try {
    const delayMs = ask();
    if (Number.isFinite(delayMs)) return Math.max(0, delayMs);
    reason = `it gave ${String(delayMs)}`;
  } catch (thrown) {
    reason = soundError(thrown).message;
  }
  logger.error("The retry policy gave no wait; the message is tried again in a second", {
    ...factsOf(context),
    reason,
  });
  return fallbackWaitMs;
}

function firstMatch(
  error: Error,
  context: ErrorContext,
  rules: readonly ErrorRule[],
  logger: Logger,
): ErrorRule | undefined {
  try {
    // Exactly true: an async predicate, which plain JavaScript lets through, would match everything.
    return rules.find((rule) => {
      const answer: unknown = rule.matches(error, context);
      return answer === true;
    });
  } catch (thrown) {
    logger.error("An error rule threw; the message is retried by the consumer's policy", {
      ...factsOf(context),
      reason: soundError(thrown).message,
    });
    return undefined;
  }
}

function factsOf({ consumer, message }: ErrorContext): Record<string, unknown> {
  return { consumer, type: message?.type, id: message?.id };
}
