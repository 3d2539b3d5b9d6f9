import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `attempt` until it returns something other than undefined and false.
 * An error that it throws means "not yet"; the last one is quoted when the time is over.
 * @template T
 * @param {() => T | undefined | false | Promise<T | undefined | false>} attempt
 * @param {{ what: string, timeoutMs: number, everyMs?: number, giveUp?: () => string | undefined }} options
 */
export async function until(attempt, { what, timeoutMs, everyMs = 50, giveUp }) {
  const deadline = performance.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    const reason = giveUp?.();
    if (reason) throw new Error(`${what}: ${reason}`);
    if (performance.now() >= deadline)
      throw new Error(`${what}: not within ${timeoutMs / 1000} s${last ? ` (${last.message})` : ""}`);
    await sleep(everyMs);
  }
}
