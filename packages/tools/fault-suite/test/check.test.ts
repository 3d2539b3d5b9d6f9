import { describe, expect, test } from "vitest";
import { problemsOf, type History } from "../src/index.ts";

const bounds = { deadlineMs: 1_000, settleSlackMs: 100, ackSlackMs: 50, maxGrowthBytes: 1_000 };
const confirmed = (step: number, startedMs: number) => ({
  key: "k",
  step,
  startedMs,
  settledMs: startedMs + 10,
  outcome: "confirmed" as const,
  code: undefined,
});
const handled = (group: string, step: number, beganMs: number) => ({
  group,
  key: "k",
  step,
  beganMs,
  endedMs: beganMs + 5,
});
/** Three messages; an outage from 1,000 to 2,000 touches the second, which comes twice. */
const sound: History = {
  publishes: [confirmed(1, 0), confirmed(2, 1_500), confirmed(3, 3_000)],
  handlings: [
    ...[handled("ordered", 1, 20), handled("ordered", 2, 1_520), handled("ordered", 3, 3_020)],
    ...[handled("loose", 1, 20), handled("loose", 3, 3_020), handled("loose", 2, 3_050)],
    handled("ordered", 2, 3_100),
  ],
  groups: [
    { name: "ordered", ordering: "key" },
    { name: "loose", ordering: "none" },
  ],
  outages: [{ fromMs: 1_000, toMs: 2_000, destroys: [] }],
  strays: [],
  memory: { startBytes: 500, peakBytes: 1_500 },
};
const broken = (part: Partial<History>): readonly string[] => problemsOf({ ...sound, ...part }, bounds);
const [first, second, third] = [confirmed(1, 0), confirmed(2, 1_500), confirmed(3, 3_000)];

describe("the checker of histories", () => {
  test("finds nothing in a sound one", () => {
    expect(broken({})).toEqual([]);
  });

  test("a publish that never settles is told", () => {
    const pending = { ...second, settledMs: undefined, outcome: undefined };
    expect(broken({ publishes: [first, pending, third] })).toEqual(["unsettled: k:2 has no outcome"]);
  });

  test("a publish that settles after its deadline is told", () => {
    const late = { ...second, settledMs: second.startedMs + 1_101, outcome: "unknown" as const };
    expect(broken({ publishes: [first, late, third] })).toEqual([
      "unsettled: k:2 took 1101 ms, its deadline was 1000 ms",
    ]);
  });

  test("a publish that fails is told where no outage touched it, and passes where one did", () => {
    const failed = { outcome: "rejected" as const, code: "TRANSPORT_FULL" };
    expect(broken({ publishes: [{ ...first, ...failed }, { ...second, ...failed }, third] })).toEqual([
      "refused: k:1 ended rejected (TRANSPORT_FULL) while nothing was away",
    ]);
  });

  test("a confirmed message that one group never handled to its end is told", () => {
    const begun = { ...handled("loose", 2, 3_050), endedMs: undefined };
    const handlings = sound.handlings.map((one) => (one.group === "loose" && one.step === 2 ? begun : one));
    expect(broken({ handlings })).toEqual(["lost: k:2 was confirmed, and loose never handled it"]);
    expect(broken({ handlings: handlings.filter((one) => one !== begun) })).toHaveLength(1);
  });

  test("what a fault destroyed is no loss of its group, and one of others", () => {
    const handlings = sound.handlings.filter(({ step }) => step !== 2);
    const outages = [{ fromMs: 1_000, toMs: 2_000, destroys: ["loose"] }];
    expect(broken({ handlings, outages })).toEqual(["lost: k:2 was confirmed, and ordered never handled it"]);
  });

  test("a rejection that nobody handled is told", () => {
    expect(broken({ strays: ["Error: channel closed"] })).toEqual(["stray: Error: channel closed"]);
  });

  test("memory that grows beyond the bound is told", () => {
    expect(broken({ memory: { startBytes: 500, peakBytes: 1_501 } })).toEqual([
      "memory: grew by 1001 bytes, allowed are 1000",
    ]);
  });

  test("a first delivery that overtakes is told in an ordered group only", () => {
    const swapped = [...sound.handlings].sort((a, b) => b.step - a.step);
    expect(broken({ handlings: swapped }).filter((line) => line.startsWith("order"))).toEqual([
      "order: ordered handled k:2 after k:3",
      "order: ordered handled k:1 after k:3",
    ]);
  });

  test("a copy is told where no outage touched its publish or its delivery", () => {
    const handlings = [...sound.handlings, handled("loose", 3, 3_200)];
    expect(broken({ handlings })).toEqual(["copy: loose handled k:3 twice while nothing was away"]);
    // It was not acknowledged yet when the connection broke.
    const outages = [...sound.outages, { fromMs: 3_070, toMs: 3_080, destroys: [] }];
    const publishes = [...sound.publishes, confirmed(4, 4_000)];
    const after = [handled("ordered", 4, 4_020), handled("loose", 4, 4_020)];
    expect(broken({ outages, publishes, handlings: [...handlings, ...after] })).toEqual([]);
  });

  test("a publisher or a group that does not come back after the outage is told", () => {
    const outages = [{ fromMs: 1_000, toMs: 3_005, destroys: [] }];
    expect(broken({ outages })).toEqual(["idle: nothing was confirmed after the last outage"]);
    const publishes = [...sound.publishes, confirmed(4, 4_000)];
    const handlings = [...sound.handlings, handled("ordered", 4, 4_020)];
    expect(broken({ outages, publishes, handlings })).toEqual([
      "lost: k:4 was confirmed, and loose never handled it",
      "idle: loose handled nothing of what was published after the last outage",
    ]);
  });
});
