import type { Clock } from "../../contracts/clock.ts";

/** Waits of messages that are kept here between two attempts. All end at once when the consumer closes. */
export interface Holds {
  /** True when the time has passed; false when the consumer closes or the delivery is lost before. */
  hold(delayMs: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export function createHolds(clock: Clock): Holds {
  const ends = new Set<() => void>();
  let closed = false;
  return {
    hold: (delayMs, signal) => {
      if (closed || signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const finish = (passed: boolean) => {
          cancel();
          ends.delete(end);
          signal.removeEventListener("abort", end);
          resolve(passed);
        };
        const end = () => finish(false);
        const cancel = clock.schedule(delayMs, () => finish(true));
        ends.add(end);
        signal.addEventListener("abort", end, { once: true });
      });
    },
    close: () => {
      closed = true;
      for (const end of [...ends]) end();
    },
  };
}
