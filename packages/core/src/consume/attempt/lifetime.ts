import type { AbortWatch } from "../../abort-watch.ts";
import type { Clock } from "../../contracts/clock.ts";
import { MessagingError } from "../../errors.ts";

/**
 * The time one attempt has: until it is done, too late, or nobody wants it any more. Code of the user is raced against
 * it, so that a handler that never settles, or ignores its signal, holds nothing but itself.
 */
export interface Lifetime {
  readonly signal: AbortSignal;
  /**
   * The work's result, or the reason why it was given up. What the work does afterwards is nobody's concern. The time
   * limit runs only meanwhile: waiting for a connection or for a lock of the inbox is not the handler's fault.
   */
  race<R>(work: () => R | Promise<R>): Promise<R>;
  /** True when it was given up from outside, not by its own time. */
  abandoned(): boolean;
  /** True for what came out of a race: thrown by the user's code, and not by a store or a broker around it. */
  threw(error: unknown): boolean;
  end(): void;
}

export interface LifetimeLimits {
  readonly consumer: string;
  readonly type: string;
  readonly timeoutMs: number;
  /** What else is known of the cause when the time is over; empty for nothing. */
  readonly hint: () => string;
  /** Signals that make the work pointless: deliveries lost, the consumer closing past its deadline. */
  readonly giveUp: readonly AbortSignal[];
}

export function createLifetime(clock: Clock, watch: AbortWatch, limits: LifetimeLimits): Lifetime {
  const controller = new AbortController();
  const { signal } = controller;
  let outside = false;
  let lastThrown: { readonly error: unknown } | undefined;
  // The race that is on, told by hand: a listener on our own signal costs more than all the rest of a race.
  let loseRace: ((reason: unknown) => void) | undefined;
  const giveUp = (reason: MessagingError) => {
    if (signal.aborted) return;
    loseRace?.(reason);
    controller.abort(reason);
  };
  const abandon = (reason: unknown) => {
    outside = true;
    giveUp(abandonedError(limits, reason));
  };
  const unwatchAll = limits.giveUp.map((given) => {
    if (given.aborted) abandon(given.reason);
    return watch(given, () => abandon(given.reason));
  });
  const limit = (): (() => void) =>
    limits.timeoutMs === Number.POSITIVE_INFINITY
      ? () => {}
      : clock.schedule(limits.timeoutMs, () => giveUp(timedOutError(limits)));

  return {
    signal,
    race: async (work) => {
      signal.throwIfAborted();
      const cancelLimit = limit();
      const givenUp = new Promise<never>((_, reject) => {
        loseRace = reject;
      });
      // Inside an async function a throw before the first await is a rejection too; the loser's is already handled.
      const working = (async () => work())();
      try {
        return await Promise.race([working, givenUp]);
      } catch (error) {
        lastThrown = { error };
        throw error;
      } finally {
        cancelLimit();
        loseRace = undefined;
      }
    },
    abandoned: () => outside,
    threw: (error) => lastThrown !== undefined && lastThrown.error === error,
    end: () => {
      for (const unwatch of unwatchAll) unwatch();
    },
  };
}

function abandonedError({ consumer, type }: LifetimeLimits, cause: unknown): MessagingError {
  return new MessagingError("HANDLER_ABANDONED", `The work of '${consumer}' on '${type}' was given up.`, {
    cause,
  });
}

function timedOutError({ consumer, type, timeoutMs, hint }: LifetimeLimits): MessagingError {
  return new MessagingError(
    "HANDLER_TIMED_OUT",
    `The handler of '${consumer}' for '${type}' did not settle within ${timeoutMs} ms.${hint()}`,
    { context: { consumer, type, timeoutMs } },
  );
}
