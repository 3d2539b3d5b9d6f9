import type { Clock } from "../../../contracts/clock.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type {
  DueEvents,
  HeldKey,
  PageBounds,
  ParkedEvent,
  ParkedQuery,
  ParkedResult,
  ParkRequest,
} from "../../../contracts/relay-store.ts";
import { createOrderedRows } from "../ordered-rows.ts";
import { dueRows } from "./due.ts";
import { orderKey, parkedEvent, sayingOf, type ParkedRow } from "./parked-row.ts";

/** Events that were put aside. */
export interface Parked {
  readonly size: number;
  readonly dead: number;
  add(event: StoredEvent, request: ParkRequest): void;
  heldKeys(): readonly HeldKey[];
  due(bounds: PageBounds): DueEvents;
  /** Answers the event where the row is gone now. */
  settle(position: string, result: ParkedResult): StoredEvent | undefined;
  list(query: ParkedQuery): readonly ParkedEvent[];
  retry(positions: readonly string[]): number;
  discard(positions: readonly string[]): number;
  clear(): void;
}

export function createParked(clock: Clock): Parked {
  const rows = createOrderedRows<ParkedRow>();
  const change = (row: ParkedRow, changes: Partial<ParkedRow>): void => rows.add({ ...row, ...changes });
  const shown = (row: ParkedRow): ParkedEvent => parkedEvent(row, clock.now() - clock.monotonicMs());
  const dueAtOnce = () => ({ status: "retry", attempts: 0, dueAtMs: clock.monotonicMs() }) as const;
  const dueIn = (waitMs: number | undefined) =>
    waitMs === undefined ? undefined : clock.monotonicMs() + waitMs;

  /** Makes the first of a key due that only waits, where nothing stands before it any more. */
  const releaseNext = ({ channel, key }: StoredEvent): void => {
    if (key === undefined) return;
    for (const row of rows.inOrder()) {
      if (!row.holds || row.event.channel !== channel || row.event.key !== key) continue;
      if (row.status === "held") change(row, dueAtOnce());
      return;
    }
  };

  const remove = (position: string): boolean => {
    const row = rows.remove(position);
    if (row !== undefined) releaseNext(row.event);
    return row !== undefined;
  };

  return {
    get size() {
      return rows.size;
    },
    get dead() {
      return [...rows.inOrder()].filter(({ status }) => status === "dead").length;
    },
    add: (event, { status, attempts, waitMs, error, onDead }) => {
      const holds = event.key !== undefined && !(status === "dead" && onDead === "skip");
      const lastError = error === undefined ? undefined : sayingOf(error);
      const [parkedAtMs, dueAtMs] = [clock.now(), dueIn(waitMs)];
      rows.add({ position: event.position, event, parkedAtMs, status, holds, attempts, dueAtMs, lastError });
      releaseNext(event);
    },
    heldKeys: () => {
      const keys = new Map<string, HeldKey>();
      for (const { holds, event } of rows.inOrder()) {
        if (holds && event.key !== undefined)
          keys.set(orderKey(event), { channel: event.channel, key: event.key });
      }
      return [...keys.values()];
    },
    due: (bounds) => {
      const { rows: found, nextInMs } = dueRows(rows.inOrder(), clock.monotonicMs(), bounds);
      return { events: found.map(shown), nextInMs };
    },
    settle: (position, result) => {
      const row = rows.get(position);
      if (row === undefined) return undefined;
      if (result.kind === "published" || result.kind === "discarded") {
        remove(position);
        return row.event;
      }
      const { attempts } = result;
      const lastError = sayingOf(result.error);
      if (result.kind === "retry") {
        change(row, { status: "retry", attempts, dueAtMs: dueIn(result.waitMs), lastError });
        return undefined;
      }
      const holds = row.holds && result.onDead === "hold-key";
      change(row, { status: "dead", attempts, dueAtMs: undefined, lastError, holds });
      if (!holds) releaseNext(row.event);
      return undefined;
    },
    list: ({ limit = 100, ...query }) =>
      [...rows.inOrder()]
        .filter((row) => isAskedFor(row, query))
        .slice(0, limit)
        .map(shown),
    retry: (positions) => {
      const found = [...new Set(positions)]
        .map((position) => rows.get(position))
        .filter((row) => row !== undefined);
      for (const row of found) change(row, dueAtOnce());
      return found.length;
    },
    discard: (positions) => positions.filter(remove).length,
    clear: rows.clear,
  };
}

function isAskedFor({ position, status, event }: ParkedRow, query: ParkedQuery): boolean {
  const fits = (wanted: string | undefined, found: string | undefined): boolean =>
    wanted === undefined || wanted === found;
  return (
    fits(query.status, status) &&
    fits(query.channel, event.channel) &&
    fits(query.key, event.key) &&
    fits(query.type, event.type) &&
    fits(query.position, position) &&
    (query.after === undefined || position > query.after)
  );
}
