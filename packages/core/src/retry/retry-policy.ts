import { OptionsError } from "../errors.ts";
import { problemsOfOptions, type OptionNames } from "../options/names.ts";

/**
 * How often and after what time something is tried again. Used by consumers (attempts of a handler) and by the relay
 * (attempts of a parked event). Write your own as an object of this shape.
 */
export interface RetryPolicy {
  /** All attempts, the first one included. 1 means no retry. */
  readonly attempts: number;
  /**
   * The wait before the next attempt, in milliseconds, after attempt number `attempt` (from 1) has failed.
   * `random` is from 0 up to 1.
   */
  delayMs(attempt: number, random: () => number): number;
}

/** The shape of waits that grow. */
export interface ExponentialOptions {
  /** All attempts, the first one included. At least 1. */
  readonly attempts: number;
  /** The wait after the first failure, in milliseconds. Default 200. */
  readonly initialMs?: number | undefined;
  /** No wait is longer, in milliseconds. Default 60,000. */
  readonly maxMs?: number | undefined;
  /** Each wait is this many times the one before. Default 2. */
  readonly factor?: number | undefined;
  /** Share of the wait that is left to chance, 0 to 1: 0.5 waits between half and the whole. Default 0.5. */
  readonly jitter?: number | undefined;
}

/**
 * Waits that double, with jitter so that many consumers do not come back at the same moment.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function exponential(options: ExponentialOptions): RetryPolicy {
  const problems = problemsOfOptions(options, exponentialNames);
  const { attempts, initialMs = 200, maxMs = 60_000, factor = 2, jitter = 0.5 } = options ?? {};
  refuse("exponential", [
    ...problems,
    ...problemsOfAttempts(attempts),
    ...problem(isWait(initialMs), "initialMs: must be 0 or more milliseconds"),
    ...problem(
      isWait(maxMs) && !(maxMs < initialMs),
      "maxMs: must be milliseconds, and not less than initialMs",
    ),
    ...problem(isNumber(factor) && factor >= 1, "factor: must be 1 or more"),
    ...problem(isNumber(jitter) && jitter >= 0 && jitter <= 1, "jitter: must be between 0 and 1"),
  ]);
  return Object.freeze({
    attempts,
    delayMs: (attempt: number, random: () => number) => {
      // 0 times a factor that has grown beyond all numbers would be none.
      const whole = initialMs === 0 ? 0 : Math.min(maxMs, initialMs * factor ** (attempt - 1));
      return Math.round(whole * (1 - jitter * random()));
    },
  });
}

/**
 * The same wait each time.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function fixed(options: { readonly attempts: number; readonly delayMs: number }): RetryPolicy {
  const { attempts, delayMs } = options ?? {};
  refuse("fixed", [
    ...problemsOfOptions(options, { attempts: true, delayMs: true }),
    ...problemsOfAttempts(attempts),
    ...problem(isWait(delayMs), "delayMs: must be 0 or more milliseconds"),
  ]);
  return Object.freeze({ attempts, delayMs: () => delayMs });
}

/**
 * Again at once.
 *
 * @throws OptionsError (CONFIG_INVALID) when `attempts` is no whole number from 1.
 */
export function immediate(options: { readonly attempts: number }): RetryPolicy {
  const { attempts } = options ?? {};
  refuse("immediate", [...problemsOfOptions(options, { attempts: true }), ...problemsOfAttempts(attempts)]);
  return Object.freeze({ attempts, delayMs: () => 0 });
}

const exponentialNames: OptionNames<ExponentialOptions> = {
  attempts: true,
  initialMs: true,
  maxMs: true,
  factor: true,
  jitter: true,
};

/** One attempt only. */
export function noRetry(): RetryPolicy {
  return Object.freeze({ attempts: 1, delayMs: () => 0 });
}

/** What is wrong with a policy that somebody wrote by hand; empty for a good one. */
export function problemsOfPolicy(name: string, policy: unknown): string[] {
  if (policy === undefined) return [];
  const given: Partial<RetryPolicy> | null = policy;
  if (typeof given !== "object" || given === null || typeof given.delayMs !== "function") {
    return [`${name}: must be a retry policy such as exponential({ attempts: 8 })`];
  }
  return problemsOfAttempts(given.attempts).map((said) => `${name}.${said}`);
}

function problemsOfAttempts(attempts: unknown): string[] {
  const whole = Number.isInteger(attempts) || attempts === Number.POSITIVE_INFINITY;
  return problem(
    whole && (attempts as number) >= 1,
    "attempts: must be a whole number from 1, the first attempt included",
  );
}

function isWait(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}

function problem(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}

function refuse(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new OptionsError(what, problems);
}
