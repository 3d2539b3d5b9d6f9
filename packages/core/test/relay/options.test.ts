import { createRelay, memory, memoryStore, type RelayOptions } from "@postrider/core";
import { expect, test } from "vitest";
import { createPace } from "../../src/relay/pace.ts";

const there =
  "batchSize, pageMaxBytes, maxBytesInFlight, leaseMs, minPollMs, maxPollMs, publishDeadlineMs, retry, onDead, inboxRetentionMs, contentMode";
const wrong: readonly (readonly [RelayOptions, string])[] = [
  // An outbox has one leader, whatever its relays are called.
  [{ name: "a" } as RelayOptions, `name: is no option (there are: ${there})`],
  [{ batchSize: 0 }, "batchSize: must be a whole number from 1 to 10,000"],
  [{ batchSize: 10_001 }, "batchSize: must be a whole number from 1 to 10,000"],
  [{ pageMaxBytes: 0 }, "pageMaxBytes: must be 1 or more bytes"],
  [{ maxBytesInFlight: 0.5 }, "maxBytesInFlight: must be 1 or more bytes"],
  [{ leaseMs: 999 }, "leaseMs: must be from 1,000 to 3,600,000 milliseconds"],
  [{ minPollMs: 0 }, "minPollMs: must be 1 or more milliseconds"],
  [{ minPollMs: 100, maxPollMs: 99 }, "maxPollMs: must not be less than minPollMs"],
  [{ maxPollMs: Number.NaN }, "maxPollMs: must not be less than minPollMs"],
  [{ publishDeadlineMs: 99 }, "publishDeadlineMs: must be from 100 milliseconds"],
  [{ inboxRetentionMs: 59_999 }, "inboxRetentionMs: must be from 60,000 milliseconds, or Infinity"],
  [{ inboxRetentionMs: Number.NaN }, "inboxRetentionMs: must be from 60,000 milliseconds, or Infinity"],
  [{ retry: {} as never }, "retry: must be a retry policy such as exponential({ attempts: 8 })"],
  [{ onDead: "drop" as never }, "onDead: must be 'hold-key' or 'skip'"],
  [{ contentMode: "json" as never }, "contentMode: must be 'binary' or 'structured'"],
];

test.each(wrong)("the option %o is refused with a sentence", (options, sentence) => {
  const make = () => createRelay({ store: memoryStore(), transport: memory(), ...options });
  expect(make).toThrow(
    expect.objectContaining({ name: "OptionsError", code: "CONFIG_INVALID", problems: [sentence] }),
  );
});

test("all problems come in one error", () => {
  const make = () =>
    createRelay({
      store: memoryStore(),
      transport: memory(),
      batchSize: 0,
      leaseMs: 1,
      onDead: "x" as never,
    });
  expect(make).toThrow(
    expect.objectContaining({
      problems: [
        expect.stringContaining("batchSize"),
        expect.stringContaining("leaseMs"),
        expect.stringContaining("onDead"),
      ],
    }),
  );
});

test("the pace grows while idle and while failing, each for itself, and begins anew after work", () => {
  const pace = createPace(50, 1_000, () => 0.5);
  expect([pace.idle(), pace.idle(), pace.idle()]).toEqual([50, 100, 200]);
  expect([pace.failed(), pace.failed()]).toEqual([50, 100]);
  expect(pace.worked()).toBe(0);
  expect([pace.idle(), pace.failed()]).toEqual([50, 50]);
  for (let n = 0; n < 20; n += 1) {
    pace.idle();
    pace.failed();
  }
  expect(pace.idle()).toBe(1_000);
  for (let n = 0; n < 20; n += 1) pace.failed();
  expect(pace.failed()).toBe(5_000);
});

test("the pace is jittered by a fifth, so that many relays do not look at the same moment", () => {
  expect(createPace(100, 1_000, () => 0).idle()).toBe(80);
  expect(createPace(100, 1_000, () => 0.999).idle()).toBeCloseTo(120, 0);
});
