import type { Clock } from "../contracts/clock.ts";

export interface AgainParts {
  readonly retries: number;
  /** A serialization failure or a deadlock: the whole can succeed when it is run again. */
  readonly isRetryable: (error: unknown) => boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

const firstWaitMs = 10;
const longestWaitMs = 1_000;

/** Runs the whole again, at most `retries` times, each time after a wait that grows and is partly chance. */
export async function runAgain<R>(parts: AgainParts, attempt: () => Promise<R>): Promise<R> {
  for (let made = 0; ; made += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (made >= parts.retries || !parts.isRetryable(error)) throw error;
    }
    // Those that collided must not collide again: somewhere in the whole range, not near its end.
    const limitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** made);
    await new Promise<void>((resolve) => {
      parts.clock.schedule(limitMs * parts.random(), resolve);
    });
  }
}
