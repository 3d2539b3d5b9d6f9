import type { Clock } from "../contracts/clock.ts";

/** Calls back what is late, with one timer for all: messages come by the thousand, and hardly one of them needs it. */
export interface Deadlines {
  /** Calls `late` once at that time of the monotonic clock; the returned function takes that back. */
  add(atMs: number, late: () => void): () => void;
  /** Calls back everything at once, as if it were late. */
  expire(): void;
  /** Takes everything back. */
  clear(): void;
}

interface Entry {
  readonly atMs: number;
  readonly late: () => void;
}

export function createDeadlines(clock: Clock): Deadlines {
  const entries = new Set<Entry>();
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  const arm = (atMs: number): void => {
    timer?.cancel();
    timer = { atMs, cancel: clock.schedule(Math.max(0, atMs - clock.monotonicMs()), sweep) };
  };
  const sweep = (): void => {
    timer = undefined;
    const now = clock.monotonicMs();
    let next = Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      if (entry.atMs > now) next = Math.min(next, entry.atMs);
      else if (entries.delete(entry)) entry.late();
    }
    // Whoever was called may have added one that is earlier.
    const armedMs = (timer as { readonly atMs: number } | undefined)?.atMs ?? Number.POSITIVE_INFINITY;
    if (next < armedMs) arm(next);
  };

  return {
    add: (atMs, late) => {
      const entry = { atMs, late };
      entries.add(entry);
      if (timer === undefined || atMs < timer.atMs) arm(atMs);
      // The timer stays: it finds nothing to do, once, which is cheaper than one per message.
      return () => void entries.delete(entry);
    },
    expire: () => {
      for (const entry of entries) if (entries.delete(entry)) entry.late();
    },
    clear: () => {
      entries.clear();
      timer?.cancel();
      timer = undefined;
    },
  };
}
