import type { Clock } from "../contracts/clock.ts";
import { MessagingError } from "../errors.ts";

/**
 * The time one attempt has: until it is done, too late, or nobody wants it any more. Work is raced against it, so that
 * a handler that never settles, or ignores its signal, holds nothing but itself.
 */
export interface Lifetime {
  readonly signal: AbortSignal;
  /** The work's result, or the reason why it was given up. What the work does afterwards is nobody's concern. */
  race<R>(work: () => R | Promise<R>): Promise<R>;
  /** True when it was given up from outside, not by its own time. */
  abandoned(): boolean;
  end(): void;
}

export interface LifetimeLimits {
  readonly consumer: string;
  readonly type: string;
  readonly timeoutMs: number;
  /** Signals that make the work pointless: deliveries lost, the consumer closing past its deadline. */
  readonly giveUp: readonly AbortSignal[];
}

export function createLifetime(clock: Clock, limits: LifetimeLimits): Lifetime {
  const controller = new AbortController();
  let outside = false;
  const abandon = (signal: AbortSignal) => {
    outside = true;
    controller.abort(
      new MessagingError("HANDLER_ABANDONED", `The work of '${limits.consumer}' on '${limits.type}' was given up.`, {
        cause: signal.reason,
      }),
    );
  };
  const late = () => {
    controller.abort(new MessagingError("HANDLER_TIMED_OUT", `The handler of '${limits.consumer}' for '${limits.type}' did not settle within ${limits.timeoutMs} ms.`, {
      context: { consumer: limits.consumer, type: limits.type, timeoutMs: limits.timeoutMs },
    }));
  };
  const watched = limits.giveUp.map((signal) => {
    const onAbort = () => abandon(signal);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    return { signal, onAbort };
  });
  const cancel = limits.timeoutMs === Number.POSITIVE_INFINITY ? () => {} : clock.schedule(limits.timeoutMs, late);

  return {
    signal: controller.signal,
    race: async (work) => {
      const { signal } = controller;
      signal.throwIfAborted();
      let unwatch = () => {};
      const givenUp = new Promise<never>((_, reject) => {
        const onAbort = () => reject(signal.reason as Error);
        signal.addEventListener("abort", onAbort, { once: true });
        unwatch = () => signal.removeEventListener("abort", onAbort);
      });
      // Inside an async function a throw before the first await is a rejection too; the loser's is already handled.
      const working = (async () => work())();
      try {
        return await Promise.race([working, givenUp]);
      } finally {
        unwatch();
      }
    },
    abandoned: () => outside,
    end: () => {
      cancel();
      for (const { signal, onAbort } of watched) signal.removeEventListener("abort", onAbort);
    },
  };
}
