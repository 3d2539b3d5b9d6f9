import type { Clock } from "../contracts/clock.ts";
import type { InboxStore } from "../contracts/inbox.ts";
import type { Logger } from "../contracts/logger.ts";
import type { RelayStore } from "../contracts/relay-store.ts";
import { toError } from "../errors.ts";

/** So that neither inbox nor archive grows for ever: whoever leads takes old rows away, a portion at a time. */
export interface Pruning {
  /** Does what is to be done now, which is nothing most of the time. Never rejects. */
  look(): Promise<void>;
}

export interface PruningParts {
  readonly inbox: Pick<InboxStore<unknown>, "prune">;
  readonly archive: Pick<RelayStore, "pruneArchive">;
  /** Of marks in the inbox; Infinity keeps every one. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const everyMs = 60_000;
/** While there is more to take away. 5,000 a second keep up with any consumer, and disturb none. */
const againMs = 1_000;
const portion = 5_000;

export function createPruning({ inbox, archive, retentionMs, clock, logger }: PruningParts): Pruning {
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let failing = false;

  const prune = async (): Promise<void> => {
    const marks =
      retentionMs === Number.POSITIVE_INFINITY
        ? 0
        : await inbox.prune({ olderThanMs: retentionMs, batchSize: portion, maxRows: portion });
    const events = await archive.pruneArchive(portion);
    if (Math.max(marks, events) >= portion) nextAtMs = clock.monotonicMs() + againMs;
    failing = false;
  };

  return {
    look: async () => {
      if (clock.monotonicMs() < nextAtMs) return;
      nextAtMs = clock.monotonicMs() + everyMs;
      try {
        await prune();
      } catch (thrown) {
        if (!failing)
          logger.warn(
            "The relay could not take old rows out of inbox and archive; it tries again every minute",
            {
              reason: toError(thrown).message,
            },
          );
        failing = true;
      }
    },
  };
}
