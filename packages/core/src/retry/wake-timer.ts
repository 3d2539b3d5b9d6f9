// Imported, not global: a test that replaces the global timers does not stop this.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../contracts/clock.ts";

/** A wait that somebody can cut short. */
export interface WakeTimer {
  /**
   * Resolves after `delayMs`, or in the next turn of the event loop when `wake` was called since the last wait began,
   * or when it is called. Always a later turn: who is woken all the time starves nobody.
   */
  wait(delayMs: number): Promise<void>;
  wake(): void;
}

export function createWakeTimer(clock: Clock): WakeTimer {
  let woken = false;
  let finish: (() => void) | undefined;
  return {
    wait: async (delayMs) => {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const cancel = clock.schedule(delayMs, () => finish?.());
          finish = () => {
            cancel();
            finish = undefined;
            resolve();
          };
        });
      }
      woken = false;
      await setImmediate();
    },
    wake: () => {
      woken = true;
      finish?.();
    },
  };
}
