import type { Message } from "../contracts/message.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";

/** What an error rule may look at besides the error. */
export interface ErrorContext {
  readonly consumer: string;
  /** The message as the handler got it; undefined when it never came to that. */
  readonly message: Message | undefined;
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, string | number | boolean>>;
  readonly tenant: string | undefined;
}

/**
 * `retry`: by the consumer's policy. A policy: by that one. `dead-letter`: at once. `discard`: acknowledge and forget,
 * counted. `pause`: give the message back and stop the consumer's intake until somebody calls `resume`.
 */
export type ErrorAction = "retry" | "dead-letter" | "discard" | "pause" | RetryPolicy;

/** One line of a consumer's error policy; the first that matches decides. */
export interface ErrorRule {
  readonly matches: (error: Error, context: ErrorContext) => boolean;
  readonly action: ErrorAction;
}

// A class is told from a predicate by its prototype: arrow functions have none, `class` and `function` errors do.
type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * A line of the error policy: `onError(PaymentDeclined, "dead-letter")`, or with a predicate
 * `onError((error, context) => context.attempt > 3, "discard")`. A predicate that throws is logged as an error, and the
 * message is retried by the consumer's policy.
 */
export function onError(
  match: ErrorClass | ((error: Error, context: ErrorContext) => boolean),
  action: ErrorAction,
): ErrorRule {
  return Object.freeze({ matches: isErrorClass(match) ? (error: Error) => error instanceof match : match, action });
}

function isErrorClass(match: ErrorClass | ((error: Error, context: ErrorContext) => boolean)): match is ErrorClass {
  return match.prototype instanceof Error || match === (Error as unknown);
}
