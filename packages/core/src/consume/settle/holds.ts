import { createAbortWatch } from "../../abort-watch.ts";
import type { Clock } from "../../contracts/clock.ts";

/** Waits of messages that are kept here between two attempts. All end at once when the consumer closes. */
export interface Holds {
  /** True when the time has passed; false when the consumer closes or the delivery is lost before. */
  hold(delayMs: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export function createHolds(clock: Clock): Holds {
  const ends = new Set<() => void>();
  const watch = createAbortWatch();
  let closed = false;
  return {
    hold: (delayMs, signal) => {
      if (closed || signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const finish = (passed: boolean) => {
          cancel();
          ends.delete(end);
          unwatch();
          resolve(passed);
        };
        const end = () => finish(false);
        const cancel = clock.schedule(delayMs, () => finish(true));
        ends.add(end);
        const unwatch = watch(signal, end);
      });
    },
    close: () => {
      closed = true;
      for (const end of [...ends]) end();
    },
  };
}
