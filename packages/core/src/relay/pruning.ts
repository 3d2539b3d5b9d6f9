import type { Clock } from "../contracts/clock.ts";
import type { InboxStore } from "../contracts/inbox.ts";
import type { Logger } from "../contracts/logger.ts";
import { toError } from "../errors.ts";

/** So that the inbox does not grow for ever: whoever leads takes old marks away, a portion at a time. */
export interface Pruning {
  /** Does what is to be done now, which is nothing most of the time. Never rejects. */
  look(): Promise<void>;
}

export interface PruningParts {
  readonly inbox: Pick<InboxStore<unknown>, "prune">;
  /** Infinity keeps every mark. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const everyMs = 60_000;
/** While there is more to take away. 5,000 a second keep up with any consumer, and disturb none. */
const againMs = 1_000;
const portion = 5_000;

export function createPruning({ inbox, retentionMs, clock, logger }: PruningParts): Pruning {
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let failing = false;

  const prune = async (): Promise<void> => {
    const gone = await inbox.prune({ olderThanMs: retentionMs, batchSize: portion, maxRows: portion });
    if (gone >= portion) nextAtMs = clock.monotonicMs() + againMs;
    failing = false;
  };

  return {
    look: async () => {
      if (retentionMs === Number.POSITIVE_INFINITY || clock.monotonicMs() < nextAtMs) return;
      nextAtMs = clock.monotonicMs() + everyMs;
      try {
        await prune();
      } catch (thrown) {
        if (!failing)
          logger.warn("The relay could not take old marks out of the inbox; it tries again every minute", {
            reason: toError(thrown).message,
          });
        failing = true;
      }
    },
  };
}
