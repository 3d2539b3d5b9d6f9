import {
  exponential,
  fixed,
  immediate,
  noRetry,
  OptionsError,
  type ExponentialOptions,
} from "@postrider/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { problemsOfPolicy } from "../../src/retry/retry-policy.ts";

describe("exponential", () => {
  test("doubles from 200 ms, up to a minute, when nothing else is said", () => {
    const policy = exponential({ attempts: 20 });
    const waits = [1, 2, 3, 9, 10, 19].map((attempt) => policy.delayMs(attempt, () => 0));
    expect(waits).toEqual([200, 400, 800, 51_200, 60_000, 60_000]);
  });

  test("72. every wait lies between its share without chance and the whole, and never above maxMs", () => {
    const options = fc.record({
      initialMs: fc.integer({ min: 0, max: 10_000 }),
      moreMs: fc.integer({ min: 0, max: 1_000_000 }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        options,
        fc.integer({ min: 1, max: 2_000 }),
        chance,
        ({ initialMs, moreMs, factor, jitter }, attempt, random) => {
          const maxMs = initialMs + moreMs;
          const policy = exponential({ attempts: 3, initialMs, maxMs, factor, jitter });
          const grown = initialMs * factor ** (attempt - 1);
          const whole = initialMs === 0 ? 0 : Math.min(maxMs, grown);
          const wait = policy.delayMs(attempt, () => random);
          expect(Number.isInteger(wait)).toBe(true);
          expect(wait).toBeLessThanOrEqual(Math.ceil(whole));
          expect(wait).toBeGreaterThanOrEqual(Math.floor(whole * (1 - jitter)));
        },
      ),
      { seed: 4711, numRuns: 500 },
    );
  });

  test("uses the whole range of its jitter", () => {
    const policy = exponential({ attempts: 3, initialMs: 1_000, jitter: 0.5 });
    expect([0, 0.5, 0.999999].map((random) => policy.delayMs(1, () => random))).toEqual([1_000, 750, 500]);
  });
});

test("fixed waits the same each time, immediate not at all, and noRetry has one attempt", () => {
  expect(fixed({ attempts: 3, delayMs: 70 })).toMatchObject({ attempts: 3 });
  expect(
    [1, 2, 99].map((attempt) => fixed({ attempts: 3, delayMs: 70 }).delayMs(attempt, Math.random)),
  ).toEqual([70, 70, 70]);
  expect(immediate({ attempts: 4 }).delayMs(1, Math.random)).toBe(0);
  expect(immediate({ attempts: 4 }).attempts).toBe(4);
  expect(noRetry().attempts).toBe(1);
});

test("attempts may be Infinity", () => {
  expect(exponential({ attempts: Number.POSITIVE_INFINITY }).attempts).toBe(Number.POSITIVE_INFINITY);
});

describe("wrong options", () => {
  const wrong: readonly (readonly [string, ExponentialOptions, string])[] = [
    ["attempts 0", { attempts: 0 }, "attempts: must be a whole number from 1, the first attempt included"],
    [
      "attempts 1.5",
      { attempts: 1.5 },
      "attempts: must be a whole number from 1, the first attempt included",
    ],
    [
      "attempts NaN",
      { attempts: Number.NaN },
      "attempts: must be a whole number from 1, the first attempt included",
    ],
    ["initialMs NaN", { attempts: 1, initialMs: Number.NaN }, "initialMs: must be 0 or more milliseconds"],
    [
      "initialMs above maxMs",
      { attempts: 1, initialMs: 10, maxMs: 9 },
      "maxMs: must be milliseconds, and not less than initialMs",
    ],
    [
      "initialMs Infinity",
      { attempts: 1, initialMs: Number.POSITIVE_INFINITY, maxMs: Number.POSITIVE_INFINITY },
      "initialMs: must be 0 or more milliseconds",
    ],
    ["factor below 1", { attempts: 1, factor: 0.5 }, "factor: must be 1 or more"],
    ["jitter above 1", { attempts: 1, jitter: 2 }, "jitter: must be between 0 and 1"],
  ];

  test.each(wrong)("%s is refused", (_, options, said) => {
    expect(() => exponential(options)).toThrow(OptionsError);
    expect(() => exponential(options)).toThrow(said);
  });

  test("all problems come together", () => {
    expect(() => exponential({ attempts: -1, factor: 0, jitter: -1 })).toThrow(
      expect.objectContaining({ problems: [expect.any(String), expect.any(String), expect.any(String)] }),
    );
    expect(() => fixed({ attempts: 0, delayMs: -1 })).toThrow(
      expect.objectContaining({ problems: [expect.any(String), expect.any(String)] }),
    );
    expect(() => fixed({ attempts: 1, delayMs: Number.NaN })).toThrow(
      "delayMs: must be 0 or more milliseconds",
    );
    expect(() => fixed({ attempts: 1, delayMs: Number.POSITIVE_INFINITY })).toThrow(
      "delayMs: must be 0 or more milliseconds",
    );
    expect(() => immediate({ attempts: 0 })).toThrow("attempts");
  });

  test("a policy of the user's own is checked for its shape", () => {
    expect(problemsOfPolicy("retry", undefined)).toEqual([]);
    expect(problemsOfPolicy("retry", { attempts: 2, delayMs: () => 5 })).toEqual([]);
    for (const policy of [null, 5, "often", {}, { attempts: 2, delayMs: 5 }]) {
      expect(problemsOfPolicy("retry", policy)).toEqual([
        "retry: must be a retry policy such as exponential({ attempts: 8 })",
      ]);
    }
    expect(problemsOfPolicy("retry", { attempts: 0, delayMs: () => 5 })).toEqual([
      "retry.attempts: must be a whole number from 1, the first attempt included",
    ]);
  });
});
