import type { Clock } from "../../../contracts/clock.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type { ArchivedEvent, ArchivedQuery } from "../../../contracts/relay-store.ts";
import { copyEvent } from "../outbox/copy-event.ts";

/** Events that were published, kept for a while. */
export interface Archive {
  add(event: StoredEvent): void;
  list(query: ArchivedQuery): readonly ArchivedEvent[];
  prune(maxRows: number): number;
  clear(): void;
}

/** @param retentionMs - 0 keeps nothing, Infinity everything */
export function createArchive(clock: Clock, retentionMs: number): Archive {
  const rows: { readonly event: ArchivedEvent; readonly keptAtMs: number }[] = [];
  let last = 0;
  return {
    add: (event) => {
      if (retentionMs === 0) return;
      last += 1;
      const position = String(last).padStart(16, "0");
      const archived: ArchivedEvent = { ...copyEvent(event), position, publishedAtMs: clock.now() };
      rows.push({ event: archived, keptAtMs: clock.monotonicMs() });
    },
    list: ({ after = "", limit = 100 }) =>
      rows
        .filter(({ event }) => event.position > after)
        .slice(0, limit)
        .map(({ event }) => copyEvent(event)),
    prune: (maxRows) => {
      const young = rows.findIndex(({ keptAtMs }) => clock.monotonicMs() - keptAtMs <= retentionMs);
      const old = young === -1 ? rows.length : young;
      return rows.splice(0, Math.min(old, maxRows)).length;
    },
    clear: () => {
      rows.length = 0;
    },
  };
}
