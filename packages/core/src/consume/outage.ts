import type { Clock } from "../contracts/clock.ts";

/**
 * The database is gone: nobody on the path is at fault. While it lasts the consumer takes nothing new, and what it
 * holds waits here, uncounted.
 */
export interface OutageGate {
  /** Notes one more failure, and resolves when it is time to try again. False when the consumer closes meanwhile. */
  wait(error: Error): Promise<boolean>;
  /** Something worked: the outage is over. */
  over(): void;
  close(): void;
}

export interface OutageListener {
  began(error: Error): void;
  ended(): void;
}

const firstWaitMs = 250;
const longestWaitMs = 10_000;

export function createOutageGate(clock: Clock, random: () => number, listener: OutageListener): OutageGate {
  let lasting = false;
  let closed = false;
  let nextWaitMs = firstWaitMs;
  let round: Promise<void> | undefined;
  let finish: (() => void) | undefined;

  // Everybody who fails waits for the same moment, and the wait grows once per round, not once per message.
  const beginRound = (): Promise<void> => {
    const waitMs = nextWaitMs * (0.8 + 0.4 * random());
    nextWaitMs = Math.min(longestWaitMs, nextWaitMs * 2);
    return new Promise<void>((resolve) => {
      const cancel = clock.schedule(waitMs, () => finish?.());
      finish = () => {
        cancel();
        finish = undefined;
        round = undefined;
        resolve();
      };
    });
  };

  return {
    wait: async (error) => {
      if (closed) return false;
      if (!lasting) {
        lasting = true;
        listener.began(error);
      }
      round ??= beginRound();
      await round;
      return !closed;
    },
    over: () => {
      if (!lasting) return;
      lasting = false;
      nextWaitMs = firstWaitMs;
      listener.ended();
    },
    close: () => {
      closed = true;
      finish?.();
    },
  };
}
