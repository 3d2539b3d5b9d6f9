import type { DeadLetterReason } from "../contracts/dead-letter.ts";
import type { Logger } from "../contracts/logger.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { toError } from "../errors.ts";
import { Reject, RetryAfter } from "./control.ts";
import type { ErrorContext, ErrorRule } from "./error-rule.ts";

/** What to do with a message whose handler failed. */
export type Verdict =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "dead-letter"; readonly reason: DeadLetterReason }
  | { readonly kind: "discard" }
  | { readonly kind: "pause" };

export interface FailurePolicy {
  readonly retry: RetryPolicy;
  readonly rules: readonly ErrorRule[];
}

/**
 * From an error to what becomes of the message. Pure but for the log: Reject first, then the first rule that matches,
 * then RetryAfter, then the policy.
 */
export function decide(
  error: Error,
  context: ErrorContext,
  policy: FailurePolicy,
  random: () => number,
  logger: Logger,
): Verdict {
  if (error instanceof Reject) return { kind: "dead-letter", reason: "rejected" };
  const rule = firstMatch(error, context, policy.rules, logger);
  switch (rule?.action) {
    case "dead-letter":
      return { kind: "dead-letter", reason: "rejected" };
    case "discard":
      return { kind: "discard" };
    case "pause":
      return { kind: "pause" };
    case undefined:
    case "retry":
      return byPolicy(error, context.attempt, policy.retry, random);
    default:
      return byPolicy(error, context.attempt, rule?.action ?? policy.retry, random);
  }
}

function byPolicy(error: Error, attempt: number, retry: RetryPolicy, random: () => number): Verdict {
  if (attempt >= retry.attempts) return { kind: "dead-letter", reason: "exhausted" };
  if (error instanceof RetryAfter) return { kind: "retry", delayMs: error.delayMs };
  return { kind: "retry", delayMs: delayOf(retry, attempt, random) };
}

/** A policy of the user's may answer nonsense; a message must not hang on it. */
function delayOf(retry: RetryPolicy, attempt: number, random: () => number): number {
  const delayMs = retry.delayMs(attempt, random);
  return Number.isFinite(delayMs) && delayMs > 0 ? delayMs : 0;
}

function firstMatch(
  error: Error,
  context: ErrorContext,
  rules: readonly ErrorRule[],
  logger: Logger,
): ErrorRule | undefined {
  for (const rule of rules) {
    try {
      if (rule.matches(error, context)) return rule;
    } catch (thrown) {
      logger.error("An error rule threw; the message is retried by the consumer's policy", {
        consumer: context.consumer,
        type: context.message?.type,
        reason: toError(thrown).message,
      });
      return undefined;
    }
  }
  return undefined;
}
