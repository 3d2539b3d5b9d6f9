import { fakeClock } from "@postrider/core/testing";
import { expect, test } from "vitest";
import { createWakeTimer } from "../../src/retry/wake-timer.ts";

test("a wait lasts its time", async () => {
  const clock = fakeClock();
  const timer = createWakeTimer(clock);
  let over = false;
  void timer.wait(100).then(() => (over = true));
  await clock.advance(99);
  expect(over).toBe(false);
  await clock.advance(1);
  expect(over).toBe(true);
});

test("wake ends the wait at once and takes its timer back", async () => {
  const clock = fakeClock();
  const timer = createWakeTimer(clock);
  const waiting = timer.wait(100);
  timer.wake();
  await waiting;
  expect(clock.pendingTimers()).toBe(0);
});

test("a wake between two waits is not lost, and counts once however often it came", async () => {
  const clock = fakeClock();
  const timer = createWakeTimer(clock);
  timer.wake();
  timer.wake();
  await timer.wait(100);
  let over = false;
  void timer.wait(100).then(() => (over = true));
  await clock.advance(99);
  expect(over).toBe(false);
});
