import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Store } from "../contracts/store.ts";
import type { Transport } from "../contracts/transport.ts";
import { isMessagingError, toError } from "../errors.ts";
import { keepAlive } from "./keep-alive.ts";

const firstWaitMs = 200;
const longestWaitMs = 5_000;

/**
 * Reaches broker and database, again and again for `retryForMs` where what fails can pass. Rejects with the last error,
 * and leaves nothing open then.
 */
export async function start(
  transport: Transport,
  store: Store<unknown> | undefined,
  retryForMs: number,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  const untilMs = clock.monotonicMs() + retryForMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    try {
      await store?.assertSchema();
      await transport.connect();
      return;
    } catch (thrown) {
      const error = toError(thrown);
      const passes = isMessagingError(error) && error.retryable && clock.monotonicMs() + waitMs < untilMs;
      if (!passes) {
        await transport.close().catch(() => undefined); // the first error is the one to tell
        throw error;
      }
      logger.warn("The start is tried again", { code: error.code, reason: error.message, waitMs });
      await keepAlive(new Promise<void>((resolve) => void clock.schedule(waitMs, resolve)));
    }
  }
}
