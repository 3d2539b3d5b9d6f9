import type { RelayLease } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { claimSameEvent, sealed } from "../store/event.ts";
import { idsOf } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";
import { dead, due, held, hourMs, parkRows, retryIn } from "./park-rows.ts";

export const parkCases: readonly StoreCase[] = [
  {
    title:
      "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const events = [
        sealed({ key: "a", shard: 1 }),
        sealed({ key: "a", shard: 1 }),
        sealed({ key: "b", shard: 2 }),
      ];
      await scope.commit(events);
      const rows = await scope.read(lease);
      const parked = rows.slice(0, 2);
      const watch = watchBoth(scope, lease, idsOf(events));
      await scope.wait(
        "park",
        relay.park(
          lease,
          parked.map((row, index) => (index === 0 ? retryIn(row, hourMs) : held(row))),
        ),
      );
      await watch.end();
      claimEqual(idsOf(await scope.read(lease)), idsOf(rows.slice(2)), "rows left in the outbox");
      const found = await scope.wait("parked", relay.parked({}));
      claimEqual(idsOf(found), idsOf(parked), "parked rows, oldest first");
      for (const [index, row] of found.entries()) claimSameEvent(row, events[index] ?? sealed());
      const [first, second] = found;
      claimEqual([first?.status, first?.attempts], ["retry", 1], "the row to be retried");
      const waitMs = (first?.nextAttemptAtMs ?? 0) - (first?.parkedAtMs ?? 0);
      claim(Math.abs(waitMs - hourMs) < 60_000, "nextAttemptAtMs must be the time of the next attempt");
      claim(first?.lastError?.includes("TRANSPORT_REJECTED"), "lastError must name the code of the failure");
      claimEqual([second?.status, second?.nextAttemptAtMs], ["held", undefined], "the row held behind it");
      const status = await scope.wait("status", relay.status());
      claimEqual([status.backlog, status.parked, status.dead], [1, 2, 0], "backlog, parked and dead");
    },
  },
  {
    title: "81. keys with a parked row are held, and only those",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      claimEqual(await scope.wait("held keys", relay.heldKeys(lease)), [], "held keys of an empty outbox");
      await parkRows(scope, lease, [
        [sealed({ key: "a", shard: 1 }), (row) => retryIn(row, hourMs)],
        [sealed({ key: "a", shard: 1 }), held],
        [sealed({ key: "b", shard: 2 }), dead],
      ]);
      // The same key in another channel is another key.
      await scope.commit([
        sealed({ key: "c", shard: 3 }),
        sealed({ key: "a", shard: 1, channel: "com.example.other" }),
      ]);
      const keys = (await scope.wait("held keys", relay.heldKeys(lease))).map(
        ({ channel, key }) => `${channel} ${key}`,
      );
      claim(new Set(keys).size === keys.length, "a held key is named twice");
      claimEqual(
        keys.filter((key) => !key.endsWith(" b")),
        [`${sealed().channel} a`],
        "held keys",
      );
    },
  },
  {
    title: "a row that is parked behind nothing is due at once",
    body: async (scope) => {
      const lease = await scope.lease();
      const [freed, behind, waits] = [sealed({ key: "a" }), sealed({ key: "a" }), sealed({ key: "b" })];
      await parkRows(scope, lease, [[waits, dead]]);
      await parkRows(scope, lease, [
        [freed, held],
        [behind, held],
        [sealed({ key: "b" }), held],
      ]);
      const rows = await due(scope, lease);
      claimEqual(idsOf(rows), idsOf([freed, behind]), "due rows");
      claimEqual(rows[0]?.status, "retry", "status of the row that waits for nothing");
    },
  },
];

/** Looks into both places over and over while something happens, where the database lets it. */
function watchBoth<Tx>(
  scope: StoreScope<Tx>,
  lease: RelayLease,
  ids: readonly string[],
): { end(): Promise<void> } {
  let ended = false;
  const look = async (): Promise<void> => {
    while (!ended) {
      // The outbox first: a row that moves meanwhile is then seen in both, and in none only if it was lost.
      const [waiting, parked] = [await scope.read(lease), await scope.store.relay.parked({})];
      const seen = new Set(idsOf([...waiting, ...parked]));
      claimEqual(
        ids.filter((id) => !seen.has(id)),
        [],
        "events that are in neither place",
      );
    }
  };
  const looking = look();
  looking.catch(() => undefined);
  return {
    end: async () => {
      ended = true;
      await scope.wait("the last look into both places", looking);
    },
  };
}
