import type { Clock } from "../../contracts/clock.ts";
import type { Work } from "../work.ts";

/**
 * The database is gone: nobody on the path is at fault. While it lasts the consumer takes nothing new, and what it
 * holds waits here, uncounted.
 */
export interface OutageGate {
  /** Notes one more failure, and resolves when it is time to try again. False when the consumer closes meanwhile. */
  wait(work: Work, error: Error): Promise<boolean>;
  /** Something worked: the outage is over. */
  over(): void;
  /** This work has ended. With the last one that waited for the database nobody would notice that it is back. */
  leave(work: Work): void;
  close(): void;
}

export interface OutageListener {
  began(error: Error): void;
  /** `unknown`: nobody is left to find out, so that the next message shall. */
  ended(why: "proved" | "unknown"): void;
}

const firstWaitMs = 250;
const longestWaitMs = 10_000;

export function createOutageGate(clock: Clock, random: () => number, listener: OutageListener): OutageGate {
  const held = new Set<Work>();
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
    wait: async (work, error) => {
      if (closed) return false;
      held.add(work);
      if (!lasting) {
        lasting = true;
        listener.began(error);
      }
      round ??= beginRound();
      await round;
      return !closed;
    },
    over: () => {
      if (!lasting || closed) return;
      lasting = false;
      nextWaitMs = firstWaitMs;
      listener.ended("proved");
    },
    leave: (work) => {
      if (!held.delete(work) || held.size > 0 || !lasting || closed) return;
      lasting = false;
      listener.ended("unknown");
    },
    close: () => {
      closed = true;
      finish?.();
    },
  };
}
