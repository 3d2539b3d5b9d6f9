import type { Clock } from "../../../contracts/clock.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type { HeldKey, ParkedSettlement, RelayStore } from "../../../contracts/relay-store.ts";
import type { OrderedRows } from "../ordered-rows.ts";
import { copyEvent } from "../outbox/copy-event.ts";
import type { Archive } from "./archive.ts";
import type { Leases } from "./leases.ts";
import { pageOf } from "./page.ts";
import type { Parked } from "./parked.ts";

/** The read side of the outbox. Each call is one step that nothing comes in between of, as a transaction is. */
export function createRelayStore(
  outbox: OrderedRows<StoredEvent>,
  parked: Parked,
  leases: Leases,
  archive: Archive,
  clock: Clock,
): RelayStore {
  return {
    acquire: async (owner, leaseMs) => leases.acquire(owner, leaseMs),
    renew: async (lease, leaseMs) => leases.renew(lease, leaseMs),
    release: async (lease) => leases.release(lease),
    // Neither reads nor confirms are fenced: reading harms nobody, and a row that was confirmed may always go.
    read: async (_lease, bounds) =>
      leases.pausedAtMs() === undefined ? pageOf(outbox.inOrder(), bounds).map(copyEvent) : [],
    confirm: async (_lease, events) => {
      for (const { position } of events) {
        const event = outbox.remove(position);
        if (event !== undefined) archive.add(event);
      }
    },
    park: async (lease, requests) => {
      leases.fence(lease);
      for (const request of requests) {
        // One that is gone was confirmed or parked meanwhile.
        const event = outbox.remove(request.event.position);
        if (event !== undefined) parked.add(event, request);
      }
    },
    heldKeys: async () => parked.heldKeys(),
    due: async (_lease, bounds) =>
      leases.pausedAtMs() === undefined ? parked.due(bounds) : { events: [], nextInMs: undefined },
    settleParked: async (lease, settlements) => {
      leases.fence(lease);
      for (const { event, result } of settlements) {
        const gone = parked.settle(event.position, result);
        if (gone !== undefined && result.kind === "published") archive.add(gone);
      }
      return freedOf(settlements, parked.heldKeys());
    },
    pause: async () => leases.pause(),
    resume: async () => leases.resume(),
    archived: async (query) => archive.list(query),
    pruneArchive: async (maxRows) => archive.prune(maxRows),
    status: async () => {
      const [oldest] = pageOf(outbox.inOrder(), { maxRows: 1, maxBytes: 1 });
      return {
        backlog: outbox.size,
        oldestAgeMs: oldest === undefined ? undefined : Math.max(0, clock.now() - oldest.storedAtMs),
        parked: parked.size,
        dead: parked.dead,
        owner: leases.owner(),
        pausedAtMs: leases.pausedAtMs(),
        inexact: [],
      };
    },
    parked: async (query) => parked.list(query),
    retryParked: async (positions) => parked.retry(positions),
    discardParked: async (positions) => parked.discard(positions),
  };
}

/** Of the keys that were touched those that hold nothing any more, each once. */
function freedOf(settlements: readonly ParkedSettlement[], held: readonly HeldKey[]): readonly HeldKey[] {
  const nameOf = ({ channel, key }: HeldKey): string => JSON.stringify([channel, key]);
  const stillHeld = new Set(held.map(nameOf));
  const touched = settlements.flatMap(({ event: { channel, key } }) =>
    key === undefined ? [] : [{ channel, key }],
  );
  const freed = touched.filter((key) => !stillHeld.has(nameOf(key)));
  return [...new Map(freed.map((key) => [nameOf(key), key])).values()];
}
