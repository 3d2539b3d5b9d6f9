import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../src/clock.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("a task runs once at its time, and not before", () => {
  const task = vi.fn<() => void>();
  systemClock.schedule(10, task);
  vi.advanceTimersByTime(9);
  expect(task).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(task).toHaveBeenCalledTimes(1);
});

test("a task is never run in the call that schedules it, whatever the delay", () => {
  const task = vi.fn<() => void>();
  for (const delayMs of [0, -5]) systemClock.schedule(delayMs, task);
  expect(task).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(task).toHaveBeenCalledTimes(2);
});

test("a delay longer than 31 bits of milliseconds is kept, and can be taken back at any time", () => {
  const [kept, cancelled] = [vi.fn<() => void>(), vi.fn<() => void>()];
  const delayMs = 3 * 2 ** 31;
  systemClock.schedule(delayMs, kept);
  const cancel = systemClock.schedule(delayMs, cancelled);
  vi.advanceTimersByTime(2 ** 32);
  cancel();
  vi.advanceTimersByTime(delayMs - 2 ** 32 - 1);
  expect(kept).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect([kept.mock.calls.length, cancelled.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0, 0]);
});

test("timers do not keep the process alive", () => {
  const unref = vi.fn<() => void>();
  const timeout = vi.spyOn(globalThis, "setTimeout").mockReturnValue({ unref } as unknown as NodeJS.Timeout);
  systemClock.schedule(10, () => undefined);
  expect([timeout.mock.calls.length, unref.mock.calls.length]).toEqual([1, 1]);
});

test("both times are those of the system", () => {
  vi.setSystemTime(1234);
  expect(systemClock.now()).toBe(1234);
  const before = systemClock.monotonicMs();
  vi.advanceTimersByTime(5);
  expect(systemClock.monotonicMs() - before).toBeCloseTo(5);
});
