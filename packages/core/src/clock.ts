import type { Clock } from "./contracts/clock.ts";

/** Node's timers hold 31 bits: a longer delay fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * The system's time. Timers never keep the process alive, never fire early, and may be longer than the 24.8 days that
 * `setTimeout` can hold.
 */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: scheduleTimer,
});

function scheduleTimer(delayMs: number, task: () => void): () => void {
  const dueMs = performance.now() + delayMs;
  let timer = arm(delayMs);
  return () => clearTimeout(timer);

  function arm(leftMs: number): NodeJS.Timeout {
    return setTimeout(fire, Math.min(Math.ceil(leftMs), longestTimerMs)).unref();
  }
  // Long delays take several timers; and one timer may fire a fraction of a millisecond before its time.
  function fire(): void {
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) timer = arm(leftMs);
    else task();
  }
}
