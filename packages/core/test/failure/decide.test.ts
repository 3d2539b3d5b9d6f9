import {
  exponential,
  fixed,
  noRetry,
  onError,
  OptionsError,
  Reject,
  RetryAfter,
  type ErrorAction,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { decide, type FailurePolicy } from "../../src/failure/decide.ts";
import type { ErrorContext } from "../../src/failure/error-rule.ts";
import { recordingLogger } from "../support/recorder.ts";

const contextAt = (attempt: number): ErrorContext => ({
  consumer: "g",
  message: undefined,
  attempt,
  headers: {},
  extensions: {},
  tenant: undefined,
});

function verdict(error: Error, attempt: number, policy: Partial<FailurePolicy> = {}) {
  const whole: FailurePolicy = {
    retry: fixed({ attempts: 3, delayMs: 70 }),
    rules: [],
    exhausted: "dead-letter",
    ...policy,
  };
  return decide(error, contextAt(attempt), whole, { random: () => 0, logger: recordingLogger() });
}

describe("what becomes of a message whose handler failed", () => {
  test.each([
    ["a first failure is retried", verdict(new Error(), 1), { kind: "retry", delayMs: 70 }],
    ["the last attempt but one is retried", verdict(new Error(), 2), { kind: "retry", delayMs: 70 }],
    ["the last attempt exhausts it", verdict(new Error(), 3), { kind: "dead-letter", reason: "exhausted" }],
    [
      "attempts counted elsewhere exhaust it, too",
      verdict(new Error(), 9),
      { kind: "dead-letter", reason: "exhausted" },
    ],
    ["Reject rejects it", verdict(new Reject("no"), 1), { kind: "dead-letter", reason: "rejected" }],
    ["RetryAfter names the wait", verdict(new RetryAfter(5), 1), { kind: "retry", delayMs: 5 }],
    ["RetryAfter is counted", verdict(new RetryAfter(5), 3), { kind: "dead-letter", reason: "exhausted" }],
    [
      "a rule goes before RetryAfter",
      verdict(new RetryAfter(5), 1, { rules: [onError(RetryAfter, "discard")] }),
      { kind: "discard" },
    ],
    [
      "held, it is tried for ever",
      verdict(new Error(), 99, { exhausted: "hold", retry: fixed({ attempts: 3, delayMs: 7_000 }) }),
      { kind: "retry", delayMs: 7_000 },
    ],
    [
      "held, it is tried once a second at most",
      verdict(new Error(), 99, { exhausted: "hold", retry: noRetry() }),
      { kind: "retry", delayMs: 1_000 },
    ],
    [
      "held, it waits the last wait of the policy, no longer one",
      verdict(new Error(), 99, {
        exhausted: "hold",
        retry: exponential({ attempts: 4, initialMs: 1_000, jitter: 0 }),
      }),
      { kind: "retry", delayMs: 4_000 },
    ],
    [
      "held by the policy of its rule",
      verdict(new Error(), 2, {
        exhausted: "hold",
        rules: [onError(Error, fixed({ attempts: 2, delayMs: 9_000 }))],
      }),
      { kind: "retry", delayMs: 9_000 },
    ],
  ])("%s", (_, given, expected) => {
    expect(given).toEqual(expected);
  });
});

describe("onError", () => {
  test("takes a class of errors for itself and its subclasses", () => {
    const rule = onError(TypeError, "discard");
    expect([new TypeError(), new Error()].map((error) => rule.matches(error, contextAt(1)))).toEqual([
      true,
      false,
    ]);
    expect(onError(Error, "discard").matches(new RangeError(), contextAt(1))).toBe(true);
  });

  test("takes errors made with `function`, as old libraries do, for classes", () => {
    function OldError(this: Error) {
      this.message = "old";
    }
    OldError.prototype = Object.create(Error.prototype);
    const rule = onError(OldError as unknown as ErrorConstructor, "discard");
    expect(rule.matches(new Error(), contextAt(1))).toBe(false);
    expect(rule.matches(Object.create(OldError.prototype), contextAt(1))).toBe(true);
  });

  test("takes a predicate, a plain function included", () => {
    const rule = onError(function atLast(_, { attempt }) {
      return attempt > 2;
    }, "discard");
    expect([1, 3].map((attempt) => rule.matches(new Error(), contextAt(attempt)))).toEqual([false, true]);
  });

  test("names everything that is wrong with its parts", () => {
    const wrong = onError as unknown as (match: unknown, action: unknown) => unknown;
    expect(() => wrong(undefined, "retyr")).toThrow(OptionsError);
    expect(() => wrong("TypeError", "retyr")).toThrow(
      "onError: match: must be a class of errors or a predicate; action: must be 'retry', 'dead-letter', 'discard', 'pause' or a retry policy",
    );
    expect(() => wrong(TypeError, { attempts: 0, delayMs: () => 1 })).toThrow(
      "action.attempts: must be a whole number from 1",
    );
    const fine: readonly ErrorAction[] = ["retry", "dead-letter", "discard", "pause", noRetry()];
    for (const action of fine) expect(() => onError(TypeError, action)).not.toThrow();
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, "5" as never, undefined as never])(
  "RetryAfter(%s) is refused where it is made",
  (delayMs) => {
    expect(() => new RetryAfter(delayMs)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        problems: ["delayMs: must be a finite number of milliseconds"],
      }),
    );
  },
);

test("RetryAfter a time that is over already waits for nothing", () => {
  expect(new RetryAfter(-5).delayMs).toBe(0);
});
