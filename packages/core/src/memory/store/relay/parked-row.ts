import type { CodedError } from "../../../contracts/failure.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type { ParkedEvent } from "../../../contracts/relay-store.ts";
import { copyEvent } from "../outbox/copy-event.ts";

/** `holds`: later events of its key wait for it. `dueAtMs` is of the monotonic clock: the time of day may be set. */
export interface ParkedRow {
  readonly position: string;
  readonly event: StoredEvent;
  readonly parkedAtMs: number;
  readonly status: ParkedEvent["status"];
  readonly holds: boolean;
  readonly attempts: number;
  readonly dueAtMs: number | undefined;
  readonly lastError: string | undefined;
}

/** @param offsetMs - from the monotonic clock to the time of day */
export function parkedEvent(row: ParkedRow, offsetMs: number): ParkedEvent {
  const { event, status, attempts, dueAtMs, lastError, parkedAtMs } = row;
  const nextAttemptAtMs = dueAtMs === undefined ? undefined : Math.round(dueAtMs + offsetMs);
  return { ...copyEvent(event), status, attempts, nextAttemptAtMs, lastError, parkedAtMs };
}

const longestSaying = 2_000;

export function sayingOf(error: CodedError): string {
  return `${error.code}: ${error.message}`.slice(0, longestSaying);
}

/** Order is kept inside one channel and key; a row without a key is a key of its own. */
export function orderKey({ channel, key, position }: StoredEvent): string {
  return JSON.stringify(key === undefined ? [position] : [channel, key]);
}
