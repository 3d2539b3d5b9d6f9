import type { Clock } from "@postrider/core";

/** Work that is done again and again, one round after the other. */
export interface Chore {
  /** Does it now, or once more when it is being done. */
  soon(): void;
  /** Does it when so much time has passed, unless its turn comes earlier. */
  within(delayMs: number): void;
  /** Resolves when nothing of it runs any more. */
  end(): Promise<void>;
}

/** `task` answers in how many milliseconds it wants its next turn. It must not reject. */
export function createChore(clock: Clock, task: () => Promise<number>): Chore {
  let dueMs = Infinity;
  let cancel = (): void => undefined;
  let running: Promise<void> | undefined;
  let wantedAgainMs = Infinity;
  let ended = false;

  const within = (delayMs: number): void => {
    if (ended) return;
    if (running !== undefined) {
      wantedAgainMs = Math.min(wantedAgainMs, delayMs);
      return;
    }
    const atMs = clock.monotonicMs() + delayMs;
    if (atMs >= dueMs) return;
    cancel();
    dueMs = atMs;
    cancel = clock.schedule(delayMs, begin);
  };
  const begin = (): void => {
    dueMs = Infinity;
    running = work();
  };
  const work = async (): Promise<void> => {
    const nextMs = await task();
    running = undefined;
    const delayMs = Math.min(nextMs, wantedAgainMs);
    wantedAgainMs = Infinity;
    within(delayMs);
  };

  return {
    soon: () => within(0),
    within,
    end: async () => {
      ended = true;
      cancel();
      await running;
    },
  };
}
