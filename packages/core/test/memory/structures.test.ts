import fc from "fast-check";
import { expect, test } from "vitest";
import { createHeap } from "../../src/memory/broker/heap.ts";
import { createBoundedLog } from "../../src/memory/broker/log.ts";

test("a heap gives back in order what was put in, in any order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = createHeap<number>((a, b) => a < b);
      for (const number of numbers) heap.push(number);
      expect([...heap.items()].sort((a, b) => a - b)).toEqual(numbers.toSorted((a, b) => a - b));
      const out: number[] = [];
      for (let next = heap.pop(); next !== undefined; next = heap.pop()) out.push(next);
      expect(out).toEqual(numbers.toSorted((a, b) => a - b));
      expect(heap.size).toBe(0);
    }),
    { seed: 1 },
  );
});

test("a bounded log is the newest items, oldest first", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 8 }), (items, limit) => {
      const log = createBoundedLog<number>(limit);
      for (const item of items) log.push(item);
      expect([...log]).toEqual(items.slice(-limit));
      expect(log.size).toBe(Math.min(limit, items.length));
    }),
    { seed: 2 },
  );
});
