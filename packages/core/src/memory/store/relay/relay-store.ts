import type { Clock } from "../../../contracts/clock.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type { RelayStore } from "../../../contracts/relay-store.ts";
import type { OrderedRows } from "../ordered-rows.ts";
import { copyEvent } from "../outbox/copy-event.ts";
import type { Leases } from "./leases.ts";
import type { Parked } from "./parked.ts";

/** The read side of the outbox. Each call is one step that nothing comes in between of, as a transaction is. */
export function createRelayStore(
  outbox: OrderedRows<StoredEvent>,
  parked: Parked,
  leases: Leases,
  clock: Clock,
): RelayStore {
  return {
    acquire: async (relay, owner, leaseMs) => leases.acquire(relay, owner, leaseMs),
    renew: async (lease, leaseMs) => leases.renew(lease, leaseMs),
    release: async (lease) => leases.release(lease),
    // Neither reads nor confirms are fenced: reading harms nobody, and a row that was confirmed may always go.
    read: async (_lease, limit) => firstOf(outbox.inOrder(), limit).map(copyEvent),
    confirm: async (_lease, events) => {
      for (const { position } of events) outbox.remove(position);
    },
    park: async (lease, requests) => {
      leases.fence(lease);
      const nowMs = clock.now();
      for (const request of requests) {
        // One that is gone was confirmed or parked meanwhile.
        const event = outbox.remove(request.event.position);
        if (event !== undefined) parked.add(event, request, nowMs);
      }
    },
    heldKeys: async () => parked.heldKeys(),
    due: async (_lease, nowMs, limit) => parked.due(nowMs, limit),
    settleParked: async (lease, event, result) => {
      leases.fence(lease);
      parked.settle(event.position, result);
    },
    status: async () => {
      const [oldest] = firstOf(outbox.inOrder(), 1);
      return {
        backlog: outbox.size,
        oldestAgeMs: oldest === undefined ? undefined : Math.max(0, clock.now() - oldest.storedAtMs),
        parked: parked.size,
        dead: parked.dead,
        owner: leases.owner(),
      };
    },
    parked: async (query) => parked.list(query),
    retryParked: async (positions) => parked.retry(positions),
    discardParked: async (positions) => parked.discard(positions),
  };
}

function firstOf<T>(items: Iterable<T>, limit: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    if (found.length >= limit) break;
    found.push(item);
  }
  return found;
}
