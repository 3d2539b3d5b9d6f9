import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../contracts/clock.ts";
import type { PruneOptions } from "../../../contracts/inbox.ts";
import { OptionsError } from "../../../errors.ts";
import type { Marks } from "./marks.ts";

/** Forgets old marks, so many per turn of the event loop, until none is left or the signal says stop. */
export async function prune(marks: Marks, clock: Clock, options: PruneOptions): Promise<number> {
  const { olderThanMs, batchSize = 5_000, maxRows = Number.MAX_SAFE_INTEGER, signal } = options;
  check({ olderThanMs, batchSize, maxRows });
  const beforeMs = clock.now() - olderThanMs;
  let total = 0;
  while (signal?.aborted !== true && total < maxRows) {
    const step = Math.min(batchSize, maxRows - total);
    const forgotten = marks.forget(beforeMs, step);
    total += forgotten;
    if (forgotten < step) break;
    await setImmediate();
  }
  return total;
}

function check({ olderThanMs, batchSize, maxRows }: Required<Omit<PruneOptions, "signal">>): void {
  const count = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;
  const problems = [
    ...(Number.isFinite(olderThanMs) && olderThanMs >= 0
      ? []
      : ["olderThanMs: must be a number of milliseconds from 0"]),
    ...(count(batchSize) ? [] : ["batchSize: must be a whole number from 1"]),
    ...(count(maxRows) ? [] : ["maxRows: must be a whole number from 1"]),
  ];
  if (problems.length > 0) throw new OptionsError("Pruning the inbox", problems);
}
