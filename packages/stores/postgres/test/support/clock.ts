import type { Clock } from "@postrider/core";

/** Time that stands still until it is moved. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function fakeClock(): FakeClock {
  let nowMs = 0;
  const tasks = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    schedule: (delayMs, run) => {
      const task = { atMs: nowMs + delayMs, run };
      tasks.add(task);
      return () => tasks.delete(task);
    },
    advance: (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        const next = [...tasks].filter((task) => task.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        tasks.delete(next);
        nowMs = next.atMs;
        next.run();
      }
      nowMs = endMs;
    },
  };
}
