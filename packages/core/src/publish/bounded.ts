import type { AbortWatch } from "../abort-watch.ts";
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
  { clock, watch }: { readonly clock: Clock; readonly watch: AbortWatch },
): Promise<W> {
  return new Promise((resolve, reject) => {
    const end = () => {
      cancel();
      unwatch();
    };
    const onAbort = () => reject(givenUp(what, signal?.reason));
    const cancel = clock.schedule(Math.max(0, deadlineAtMs - clock.monotonicMs()), () =>
      reject(new MessagingError("TRANSPORT_DEADLINE", `${what} was not ready to be sent by its deadline.`)),
    );
    const unwatch = watch(signal, onAbort);
    if (signal?.aborted === true) onAbort();
    wait.finally(end).then(resolve, reject);
  });
}
