import type { Clock } from "../contracts/clock.ts";
import { MessagingError } from "../errors.ts";
import { givenUp } from "./outcomes.ts";

/**
 * Settles as `wait` does, or rejects with TRANSPORT_DEADLINE when the time is over or the signal fires before. What
 * goes on behind it is left alone.
 */
export function bounded<W>(
  wait: Promise<W>,
  what: string,
  { deadlineAtMs, signal }: { readonly deadlineAtMs: number; readonly signal?: AbortSignal | undefined },
  clock: Clock,
): Promise<W> {
  return new Promise((resolve, reject) => {
    const end = () => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => signal !== undefined && reject(givenUp(what, signal));
    const cancel = clock.schedule(Math.max(0, deadlineAtMs - clock.monotonicMs()), () =>
      reject(new MessagingError("TRANSPORT_DEADLINE", `${what} was not ready to be sent by its deadline.`)),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    wait.finally(end).then(resolve, reject);
  });
}
