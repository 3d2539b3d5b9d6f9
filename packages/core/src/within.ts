import type { Clock } from "./contracts/clock.ts";

/**
 * True when the task ended in time, false when the time was over before; rejects as the task does, in time. What goes
 * on behind it is left alone.
 */
export async function within(clock: Clock, limitMs: number, task: Promise<unknown>): Promise<boolean> {
  let cancel = () => {};
  const over = new Promise<false>((resolve) => {
    cancel = clock.schedule(Math.max(0, limitMs), () => resolve(false));
  });
  try {
    return await Promise.race([task.then(() => true), over]);
  } finally {
    cancel();
  }
}
