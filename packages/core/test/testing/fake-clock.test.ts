import { expect, test, vi } from "vitest";
import { fakeClock } from "../../src/testing/fake-clock.ts";

test("time stands still until it is moved, and both times move together", async () => {
  const clock = fakeClock(1000);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1000, 0]);
  await clock.advance(250);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1250, 250]);
});

test("tasks run in the order of their times, those of one time in the order scheduled, each at its own time", async () => {
  const clock = fakeClock(0);
  const ran: [string, number][] = [];
  const task = (name: string) => () => void ran.push([name, clock.now()]);
  clock.schedule(20, task("c"));
  clock.schedule(10, task("a"));
  clock.schedule(20, task("d"));
  clock.schedule(10, task("b"));
  clock.schedule(31, task("later"));
  await clock.advance(30);
  expect(ran).toEqual([
    ["a", 10],
    ["b", 10],
    ["c", 20],
    ["d", 20],
  ]);
  expect([clock.now(), clock.pendingTimers()]).toEqual([30, 1]);
});

test("what a task schedules, also after promises, counts in the same advance", async () => {
  const clock = fakeClock(0);
  const at: number[] = [];
  const loop = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) {
      await new Promise<void>((resolve) => void clock.schedule(100, resolve));
      for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
      at.push(clock.now());
    }
  };
  void loop();
  await clock.advance(450);
  expect(at).toEqual([100, 200, 300, 400]);
});

test("a task that was taken back does not run", async () => {
  const clock = fakeClock();
  const task = vi.fn<() => void>();
  const cancel = clock.schedule(10, task);
  cancel();
  cancel();
  expect(clock.pendingTimers()).toBe(0);
  await clock.advance(100);
  expect(task).not.toHaveBeenCalled();
});

test("a task that throws does not stop the others, and advance tells its error", async () => {
  const clock = fakeClock();
  const task = vi.fn<() => void>();
  clock.schedule(1, () => {
    throw new Error("task");
  });
  clock.schedule(2, task);
  await expect(clock.advance(5)).rejects.toThrow("task");
  expect([task.mock.calls.length, clock.monotonicMs()]).toEqual([1, 5]);
});

test("two advances at once run one after the other", async () => {
  const clock = fakeClock(0);
  const task = vi.fn<() => number>(() => clock.now());
  clock.schedule(15, task);
  await Promise.all([clock.advance(10), clock.advance(10)]);
  expect([task.mock.results[0]?.value, clock.now()]).toEqual([15, 20]);
});

test("runUntil goes from timer to timer and stops when the condition is true", async () => {
  const clock = fakeClock(0);
  let ticks = 0;
  const tick = (): void => {
    ticks += 1;
    clock.schedule(1000, tick);
  };
  clock.schedule(1000, tick);
  await clock.runUntil(() => ticks === 3);
  expect([clock.now(), ticks]).toEqual([3000, 3]);
  await clock.runUntil(async () => true);
  expect(clock.now()).toBe(3000);
});

test("runUntil gives up after its time, and when no timer is left", async () => {
  const clock = fakeClock(0);
  clock.schedule(10, () => undefined);
  clock.schedule(2000, () => undefined);
  await expect(clock.runUntil(() => false, { withinMs: 1000 })).rejects.toThrow("stayed false for 1000 ms");
  expect(clock.now()).toBe(10);
  await expect(clock.runUntil(() => false)).rejects.toThrow("no timer is left");
});

test("setNow moves the time of day only", async () => {
  const clock = fakeClock(0);
  const task = vi.fn<() => void>();
  clock.schedule(10, task);
  clock.setNow(5_000_000);
  expect([clock.now(), clock.monotonicMs()]).toEqual([5_000_000, 0]);
  await clock.advance(9);
  expect(task).not.toHaveBeenCalled();
  await clock.advance(1);
  expect([task.mock.calls.length, clock.now()]).toEqual([1, 5_000_010]);
});

test("advance refuses what is no time", () => {
  for (const ms of [-1, Number.NaN, Infinity]) expect(() => void fakeClock().advance(ms)).toThrow(RangeError);
});
