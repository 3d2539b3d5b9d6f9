import type { CodedError, ParkedEvent, ParkRequest, RelayLease, StoredEvent } from "@postrider/core";
import { claim } from "../case/claim.ts";
import type { sealed } from "../store/event.ts";
import type { StoreScope } from "../store/scope.ts";

/** A moment of its own: what is due goes by the time that the relay tells. */
export const nowMs = 1_800_000_000_000;
/** What the relay writes down of a failure. */
export const error: CodedError = Object.assign(new Error("the broker said no"), {
  code: "TRANSPORT_REJECTED",
  retryable: true,
});

export const retryAt = (event: StoredEvent, nextAttemptAtMs: number): ParkRequest => ({
  event,
  status: "retry",
  attempts: 1,
  nextAttemptAtMs,
  error,
});
export const held = (event: StoredEvent): ParkRequest => ({
  event,
  status: "held",
  attempts: 0,
  nextAttemptAtMs: undefined,
  error: undefined,
});
export const dead = (event: StoredEvent): ParkRequest => ({
  event,
  status: "dead",
  attempts: 8,
  nextAttemptAtMs: undefined,
  error,
});

/** Commits these events and parks each as its request says. */
export async function parkRows<Tx>(
  scope: StoreScope<Tx>,
  lease: RelayLease,
  rows: readonly (readonly [ReturnType<typeof sealed>, (row: StoredEvent) => ParkRequest])[],
): Promise<void> {
  await scope.commit(rows.map(([event]) => event));
  const read = await scope.read(lease);
  const requests = rows.map(([event, request]) => {
    const row = read.find((one) => one.id === event.id);
    claim(row, "a committed event was not read");
    return request(row);
  });
  await scope.wait("park", scope.store.relay.park(lease, requests));
}

export const due = <Tx>(
  scope: StoreScope<Tx>,
  lease: RelayLease,
  atMs: number,
): Promise<readonly ParkedEvent[]> => scope.wait("due", scope.store.relay.due(lease, atMs, 100));

export function only(rows: readonly ParkedEvent[]): ParkedEvent {
  const [row] = rows;
  claim(row && rows.length === 1, `expected one row, got ${rows.length}`);
  return row;
}
