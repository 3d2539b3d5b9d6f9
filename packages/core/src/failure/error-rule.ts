import type { Message } from "../contracts/message.ts";
import { OptionsError } from "../errors.ts";
import { problemsOfPolicy, type RetryPolicy } from "../retry/retry-policy.ts";

/** What an error rule may look at besides the error. */
export interface ErrorContext {
  readonly consumer: string;
  /** The message as the handler got it; undefined when it never came to that. */
  readonly message: Message | undefined;
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** Headers that are neither CloudEvents attributes nor the library's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** CloudEvents extensions that `Message` does not name. */
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
  /** Whether this rule decides about the error. */
  readonly matches: (error: Error, context: ErrorContext) => boolean;
  /** What becomes of the message then. */
  readonly action: ErrorAction;
}

// A class is told from a predicate by its prototype: arrow functions have none, `class` and `function` errors do.
type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * A line of the error policy: `onError(PaymentDeclined, "dead-letter")`, or with a predicate
 * `onError((error, context) => context.attempt > 3, "discard")`. A predicate that throws is logged as an error, and the
 * message is retried by the consumer's policy.
 *
 * @throws OptionsError (CONFIG_INVALID) when it is given something else.
 */
export function onError(
  match: ErrorClass | ((error: Error, context: ErrorContext) => boolean),
  action: ErrorAction,
): ErrorRule {
  const problems = typeof match === "function" ? [] : ["match: must be a class of errors or a predicate"];
  problems.push(...problemsOfAction("action", action));
  if (problems.length > 0) throw new OptionsError("onError", problems);
  return Object.freeze({
    matches: isErrorClass(match) ? (error: Error) => error instanceof match : match,
    action,
  });
}

/** What is wrong with a rule, of which types say nothing in plain JavaScript; empty for a good one. */
export function problemsOfRule(name: string, rule: unknown): string[] {
  const given = rule as Partial<ErrorRule> | null | undefined;
  if (typeof given?.matches !== "function") return [`${name}: must be made by onError(…)`];
  return problemsOfAction(`${name}.action`, given.action);
}

const actions: ReadonlySet<unknown> = new Set(["retry", "dead-letter", "discard", "pause"]);

function problemsOfAction(name: string, action: unknown): string[] {
  if (actions.has(action)) return [];
  if (typeof action === "object" && action !== null) return problemsOfPolicy(name, action);
  return [`${name}: must be 'retry', 'dead-letter', 'discard', 'pause' or a retry policy`];
}

function isErrorClass(
  match: ErrorClass | ((error: Error, context: ErrorContext) => boolean),
): match is ErrorClass {
  return match.prototype instanceof Error || match === (Error as unknown);
}
