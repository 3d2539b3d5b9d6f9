import type {
  CodedError,
  HeldKey,
  PageBounds,
  ParkedEvent,
  ParkedResult,
  ParkRequest,
  RelayLease,
  StoredEvent,
} from "@postrider/core";
import { claim } from "../case/claim.ts";
import type { sealed } from "../store/event.ts";
import { pageOf } from "../store/scope.ts";
import type { StoreScope } from "../store/scope.ts";

/** No case lasts so long. */
export const hourMs = 3_600_000;
/** What the relay writes down of a failure. */
export const error: CodedError = Object.assign(new Error("the broker said no"), {
  code: "TRANSPORT_REJECTED",
  retryable: true,
});

export const retryIn = (event: StoredEvent, waitMs: number): ParkRequest => ({
  event,
  status: "retry",
  attempts: 1,
  waitMs,
  error,
});
export const held = (event: StoredEvent): ParkRequest => ({
  event,
  status: "held",
  attempts: 0,
  waitMs: undefined,
  error: undefined,
});
export const dead = (event: StoredEvent): ParkRequest => ({
  event,
  status: "dead",
  attempts: 8,
  waitMs: undefined,
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

export const due = async <Tx>(
  scope: StoreScope<Tx>,
  lease: RelayLease,
  bounds: PageBounds = pageOf(100),
): Promise<readonly ParkedEvent[]> => (await scope.wait("due", scope.store.relay.due(lease, bounds))).events;

/** Writes down the same of each of these rows; answers the keys that hold nothing any more. */
export const settle = <Tx>(
  scope: StoreScope<Tx>,
  lease: RelayLease,
  rows: readonly ParkedEvent[],
  resultOf: (row: ParkedEvent) => ParkedResult,
): Promise<readonly HeldKey[]> =>
  scope.wait(
    "settleParked",
    scope.store.relay.settleParked(
      lease,
      rows.map((event) => ({ event, result: resultOf(event) })),
    ),
  );

export function only(rows: readonly ParkedEvent[]): ParkedEvent {
  const [row] = rows;
  claim(row && rows.length === 1, `expected one row, got ${rows.length}`);
  return row;
}
