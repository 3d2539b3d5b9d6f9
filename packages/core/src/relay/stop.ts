import type { Clock } from "../contracts/clock.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, problemsOfOptions } from "../options/names.ts";

/** How a relay ends. */
export interface RelayStopOptions {
  /** How long the broker may take to confirm what is on its way to it, in milliseconds. Default 10,000. */
  readonly drainMs?: number | undefined;
}

/** How long the last words to the database may take: giving the lease back is a courtesy, since it also runs out. */
export const lastWordsMs = 1_000;

/** @throws OptionsError (CONFIG_INVALID) before anything is ended. */
export function stopDrainMs(options: RelayStopOptions = {}): number {
  const problems = [...problemsOfOptions(options, { drainMs: true })];
  const { drainMs = 10_000 } = isOptions(options) ? options : {};
  if (typeof drainMs !== "number" || !(drainMs >= 0))
    problems.push("drainMs: must be 0 or more milliseconds");
  if (problems.length > 0) throw new OptionsError("relay.stop", problems);
  return drainMs;
}

/** Resolves when the task has ended, well or not, and at the latest after `limitMs`. */
export async function atMost(clock: Clock, limitMs: number, task: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.schedule(limitMs, resolve);
  });
  try {
    await Promise.race([task, over]);
  } catch {
    // Whoever waits for an end is not told how it went.
  } finally {
    cancel();
  }
}
