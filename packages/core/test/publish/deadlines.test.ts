import { expect, test } from "vitest";
import { createDeadlines } from "../../src/publish/deadlines.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";

test("each is called at its time, once, in whatever order they were added", async () => {
  const clock = fakeClock();
  const deadlines = createDeadlines(clock);
  const log: string[] = [];
  const late = (name: string) => () => log.push(`${name} at ${clock.monotonicMs()}`);
  deadlines.add(300, late("c"));
  deadlines.add(100, late("a"));
  deadlines.add(200, late("b"));
  deadlines.add(200, late("b too"));
  await clock.advance(1_000);
  expect(log).toEqual(["a at 100", "b at 200", "b too at 200", "c at 300"]);
  expect(clock.pendingTimers()).toBe(0);
});

test("one that was taken back is not called", async () => {
  const clock = fakeClock();
  const deadlines = createDeadlines(clock);
  const log: string[] = [];
  const takeBack = deadlines.add(100, () => log.push("a"));
  deadlines.add(200, () => log.push("b"));
  takeBack();
  await clock.advance(1_000);
  expect(log).toEqual(["b"]);
});

test("one that is added while others are called comes at its time, earlier or later than the rest", async () => {
  const clock = fakeClock();
  const deadlines = createDeadlines(clock);
  const log: string[] = [];
  deadlines.add(100, () => {
    deadlines.add(150, () => log.push("early"));
    deadlines.add(400, () => log.push("late"));
  });
  deadlines.add(300, () => log.push("between"));
  await clock.advance(160);
  expect(log).toEqual(["early"]);
  await clock.advance(1_000);
  expect(log).toEqual(["early", "between", "late"]);
});

test("a time that has passed is called in the next turn, and clear takes everything back", async () => {
  const clock = fakeClock();
  const deadlines = createDeadlines(clock);
  const log: string[] = [];
  await clock.advance(500);
  deadlines.add(100, () => log.push("past"));
  expect(log).toEqual([]);
  await clock.advance(0);
  expect(log).toEqual(["past"]);
  deadlines.add(600, () => log.push("never"));
  deadlines.clear();
  await clock.advance(1_000);
  expect(log).toEqual(["past"]);
  expect(clock.pendingTimers()).toBe(0);
});
