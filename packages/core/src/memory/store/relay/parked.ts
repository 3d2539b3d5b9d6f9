import type { StoredEvent } from "../../../contracts/outbox.ts";
import type {
  HeldKey,
  ParkedEvent,
  ParkedQuery,
  ParkedResult,
  ParkRequest,
} from "../../../contracts/relay-store.ts";
import type { CodedError } from "../../../contracts/failure.ts";
import { createOrderedRows } from "../ordered-rows.ts";
import { copyEvent } from "../outbox/copy-event.ts";

/** Events that were put aside. */
export interface Parked {
  readonly size: number;
  readonly dead: number;
  add(event: StoredEvent, request: ParkRequest, nowMs: number): void;
  heldKeys(): readonly HeldKey[];
  due(nowMs: number, limit: number): readonly ParkedEvent[];
  settle(position: string, result: ParkedResult): void;
  list(query: ParkedQuery): readonly ParkedEvent[];
  retry(positions: readonly string[]): number;
  discard(positions: readonly string[]): number;
  clear(): void;
}

/** `holds`: later events of its key wait for it. */
interface ParkedRow {
  readonly position: string;
  readonly event: StoredEvent;
  readonly parkedAtMs: number;
  readonly status: ParkedEvent["status"];
  readonly holds: boolean;
  readonly attempts: number;
  readonly nextAttemptAtMs: number | undefined;
  readonly lastError: string | undefined;
}

export function createParked(): Parked {
  const rows = createOrderedRows<ParkedRow>();
  const change = (row: ParkedRow, changes: Partial<ParkedRow>): void => rows.add({ ...row, ...changes });

  /** Makes the first of a key due that only waits, where nothing stands before it any more. */
  const releaseNext = ({ channel, key }: StoredEvent): void => {
    if (key === undefined) return;
    for (const row of rows.inOrder()) {
      if (!row.holds || row.event.channel !== channel || row.event.key !== key) continue;
      if (row.status === "held") change(row, dueAtOnce);
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
    add: (event, { status, attempts, nextAttemptAtMs, error, onDead }, nowMs) => {
      const holds = event.key !== undefined && !(status === "dead" && onDead === "skip");
      const lastError = error === undefined ? undefined : sayingOf(error);
      const { position } = event;
      rows.add({ position, event, parkedAtMs: nowMs, status, holds, attempts, nextAttemptAtMs, lastError });
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
    due: (nowMs, limit) => {
      const found: ParkedEvent[] = [];
      const held = new Set<string>();
      for (const row of rows.inOrder()) {
        if (found.length >= limit) break;
        const key = orderKey(row.event);
        const isDue = row.status === "retry" && (row.nextAttemptAtMs ?? 0) <= nowMs && !held.has(key);
        if (isDue) found.push(parkedEvent(row));
        if (row.holds) held.add(key);
      }
      return found;
    },
    settle: (position, result) => {
      const row = rows.get(position);
      if (row === undefined) return;
      if (result.kind === "published" || result.kind === "discarded") {
        remove(position);
        return;
      }
      const { attempts } = result;
      const lastError = sayingOf(result.error);
      if (result.kind === "retry") {
        change(row, { status: "retry", attempts, nextAttemptAtMs: result.nextAttemptAtMs, lastError });
        return;
      }
      const holds = row.holds && result.onDead === "hold-key";
      change(row, { status: "dead", attempts, nextAttemptAtMs: undefined, lastError, holds });
      if (!holds) releaseNext(row.event);
    },
    list: ({ status, key, limit = 100 }) =>
      [...rows.inOrder()]
        .filter(
          (row) =>
            (status === undefined || row.status === status) && (key === undefined || row.event.key === key),
        )
        .slice(0, limit)
        .map(parkedEvent),
    retry: (positions) => {
      const found = [...new Set(positions)]
        .map((position) => rows.get(position))
        .filter((row) => row !== undefined);
      for (const row of found) change(row, dueAtOnce);
      return found.length;
    },
    discard: (positions) => positions.filter(remove).length,
    clear: rows.clear,
  };
}

/** Due since ever, so that it does not matter by whose clock the relay asks. */
const dueAtOnce = { status: "retry", attempts: 0, nextAttemptAtMs: 0 } as const;

const longestSaying = 2_000;

function sayingOf(error: CodedError): string {
  return `${error.code}: ${error.message}`.slice(0, longestSaying);
}

function orderKey({ channel, key, position }: StoredEvent): string {
  return JSON.stringify(key === undefined ? [position] : [channel, key]);
}

function parkedEvent({
  event,
  status,
  attempts,
  nextAttemptAtMs,
  lastError,
  parkedAtMs,
}: ParkedRow): ParkedEvent {
  return { ...copyEvent(event), status, attempts, nextAttemptAtMs, lastError, parkedAtMs };
}
