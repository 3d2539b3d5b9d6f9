import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../contracts/clock.ts";
import type { PruneOptions } from "../../../contracts/inbox.ts";
import { OptionsError } from "../../../errors.ts";
import type { Marks } from "./marks.ts";

/** Forgets old marks, so many per turn of the event loop, until none is left or the signal says stop. */
export async function prune(marks: Marks, clock: Clock, options: PruneOptions): Promise<number> {
  const { olderThanMs, batchSize = 5_000, signal } = options;
  check(olderThanMs, batchSize);
  const beforeMs = clock.now() - olderThanMs;
  let total = 0;
  while (signal?.aborted !== true) {
    const forgotten = marks.forget(beforeMs, batchSize);
    total += forgotten;
    if (forgotten < batchSize) break;
    await setImmediate();
  }
  return total;
}

function check(olderThanMs: number, batchSize: number): void {
  const problems = [
    ...(Number.isFinite(olderThanMs) && olderThanMs >= 0
      ? []
      : ["olderThanMs: must be a number of milliseconds from 0"]),
    ...(Number.isSafeInteger(batchSize) && batchSize >= 1
      ? []
      : ["batchSize: must be a whole number from 1"]),
  ];
  if (problems.length > 0) throw new OptionsError("Pruning the inbox", problems);
}
