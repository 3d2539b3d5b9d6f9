import { expect, test } from "vitest";
import { createFifo } from "../../src/publish/fifo.ts";

test("entries come out in the order they came in, without those that were taken out", () => {
  const queue = createFifo<string>();
  const [, takeB, , takeD] = ["a", "b", "c", "d", "e"].map((name) => queue.push(name));
  takeB?.();
  takeD?.();
  takeD?.(); // once
  expect([queue.size, queue.first]).toEqual([3, "a"]);
  expect([queue.shift(), queue.shift(), queue.first, queue.shift(), queue.shift()]).toEqual([
    "a",
    "c",
    "e",
    "e",
    undefined,
  ]);
  expect(queue.size).toBe(0);
  queue.push("f");
  expect([queue.size, queue.first]).toEqual([1, "f"]);
});

/** Microseconds of CPU, whatever else the machine does: to fill a queue, and to empty it from both sides. */
function costOf(count: number): number {
  const before = process.cpuUsage();
  const queue = createFifo<number>();
  const takeOut = Array.from({ length: count }, (_, n) => queue.push(n));
  for (let n = 0; n < count / 2; n += 1) queue.shift();
  for (const take of takeOut) take();
  expect(queue.size).toBe(0);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

test("an entry costs the same, however many wait", () => {
  costOf(40_000); // warm
  const few = costOf(5_000);
  const many = costOf(40_000);
  // 8 times as many. What moves all that wait by one place costs 64 times as much.
  expect(many / few).toBeLessThan(30);
});
