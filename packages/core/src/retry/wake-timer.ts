import type { Clock } from "../contracts/clock.ts";

/** A wait that somebody can cut short. */
export interface WakeTimer {
  /** Resolves after `delayMs`, or at once when `wake` was called since the last wait began, or when it is called. */
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
    },
    wake: () => {
      woken = true;
      finish?.();
    },
  };
}
