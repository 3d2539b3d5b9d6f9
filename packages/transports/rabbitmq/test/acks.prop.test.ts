import * as fc from "fast-check";
import { fakeClock } from "@postrider/core/testing";
import { test } from "vitest";
import { createAcks } from "../src/amqp/acks.ts";

/** What the broker holds unacknowledged, and how it takes what it is told. */
function brokerOf(count: number) {
  const unacknowledged = new Set(Array.from({ length: count }, (_, index) => index + 1));
  return {
    unacknowledged,
    take: (tag: number, reach: "all-up-to" | "alone"): void => {
      // "PRECONDITION_FAILED - unknown delivery tag", and the channel is gone.
      if (!unacknowledged.has(tag)) throw new Error(`unknown delivery tag ${tag}`);
      for (const other of [...unacknowledged])
        if (other === tag || (reach === "all-up-to" && other < tag)) unacknowledged.delete(other);
    },
  };
}

test("whatever the order, the broker hears of all that is done, of nothing else, and of no tag twice", async () => {
  const step = fc.record({
    tag: fc.integer({ min: 1, max: 60 }),
    how: fc.constantFrom("done", "now", "wait"),
  });
  const run = fc.asyncProperty(
    fc.array(step, { maxLength: 150 }),
    fc.integer({ min: 1, max: 20 }),
    async (steps, batch) => {
      const clock = fakeClock();
      const broker = brokerOf(60);
      const acks = createAcks({ clock, delayMs: 5, batch, send: broker.take });
      for (let tag = 1; tag <= 60; tag += 1) acks.delivered(tag);
      const done = new Set<number>();
      for (const { tag, how } of steps) {
        if (how === "wait") await clock.advance(3);
        else {
          done.add(tag);
          if (how === "done") acks.done(tag);
          else acks.doneNow(tag);
        }
        const early = [...Array(60).keys()].some(
          (index) => !done.has(index + 1) && !broker.unacknowledged.has(index + 1),
        );
        if (early) return false;
      }
      await clock.advance(15);
      return [...done].every((tag) => !broker.unacknowledged.has(tag));
    },
  );
  await fc.assert(run, { seed: 1, numRuns: 200 });
});
