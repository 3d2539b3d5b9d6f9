import type { ParkedEvent, ParkRequest, RelayLease, RelayStore, StoredEvent } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { claimSameEvent, sealed } from "../store/event.ts";
import { idsOf } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";

const nowMs = 1_800_000_000_000;
const error = Object.assign(new Error("the broker said no"), { code: "TRANSPORT_REJECTED", retryable: true });

export const parkCases: readonly StoreCase[] = [
  {
    title: "park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const events = [sealed({ key: "a", shard: 1 }), sealed({ key: "a", shard: 1 }), sealed({ key: "b", shard: 2 })];
      await scope.commit(events);
      const rows = await scope.read(lease);
      const parked = rows.slice(0, 2);
      const watch = watchBoth(scope, lease, idsOf(events));
      await scope.wait("park", relay.park(lease, parked.map((row, index) => (index === 0 ? retryAt(row, nowMs) : held(row)))));
      await watch.end();
      claimEqual(idsOf(await scope.read(lease)), idsOf(rows.slice(2)), "rows left in the outbox");
      const found = await scope.wait("parked", relay.parked({}));
      claimEqual(idsOf(found), idsOf(parked), "parked rows, oldest first");
      for (const [index, row] of found.entries()) claimSameEvent(row, events[index] ?? sealed());
      const [first, second] = found;
      claimEqual([first?.status, first?.attempts, first?.nextAttemptAtMs], ["retry", 1, nowMs], "the row to be retried");
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
        [sealed({ key: "a", shard: 1 }), (row) => retryAt(row, nowMs)],
        [sealed({ key: "a", shard: 1 }), held],
        [sealed({ key: "b", shard: 2 }), dead],
      ]);
      // The same key in another channel is another key.
      await scope.commit([sealed({ key: "c", shard: 3 }), sealed({ key: "a", shard: 1, channel: "com.example.other" })]);
      const keys = (await scope.wait("held keys", relay.heldKeys(lease))).map(({ channel, key }) => `${channel} ${key}`);
      claim(new Set(keys).size === keys.length, "a held key is named twice");
      claimEqual(keys.filter((key) => !key.endsWith(" b")), [`${sealed().channel} a`], "held keys");
    },
  },
  {
    title: "101. a parked row is due when its time has come, not before, and in order within its key",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [early, late, behind] = [sealed({ key: "a" }), sealed({ key: "b" }), sealed({ key: "a" })];
      await parkRows(scope, lease, [
        [early, (row) => retryAt(row, nowMs)],
        [late, (row) => retryAt(row, nowMs + 1_000)],
        [behind, held],
      ]);
      const dueAt = async (atMs: number): Promise<readonly string[]> => idsOf(await due(scope, lease, atMs));
      claimEqual(await dueAt(nowMs - 1), [], "due before the time");
      claimEqual(await dueAt(nowMs), [early.id], "due at the time");
      claimEqual((await dueAt(nowMs + 1_000)).toSorted(), [early.id, late.id].toSorted(), "due a second later");
    },
  },
  {
    title: "101. a parked row that was published is gone, and the next of its key is due",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [first, second, third] = [sealed({ key: "a" }), sealed({ key: "a" }), sealed({ key: "a" })];
      await parkRows(scope, lease, [[first, (row) => retryAt(row, nowMs)], [second, held], [third, held]]);
      for (const [expected, kind] of [[first, "published"], [second, "discarded"], [third, "published"]] as const) {
        const rows = await due(scope, lease, Date.now() + nowMs);
        claimEqual(idsOf(rows), [expected.id], "the one row of the key that is due");
        await scope.wait("settleParked", relay.settleParked(lease, only(rows), { kind }));
      }
      claimEqual(idsOf(await scope.wait("parked", relay.parked({}))), [], "parked rows left");
      claimEqual(await scope.wait("held keys", relay.heldKeys(lease)), [], "held keys left");
      claimEqual(idsOf(await scope.read(lease)), [], "rows in the outbox");
    },
  },
  {
    title: "101. a parked row that fails again keeps its attempts and its next time",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      await parkRows(scope, lease, [[sealed({ key: "a" }), (row) => retryAt(row, nowMs)]]);
      const nextAttemptAtMs = nowMs + 5_000;
      const row = only(await due(scope, lease, nowMs));
      await scope.wait("settleParked", relay.settleParked(lease, row, { kind: "retry", attempts: 2, nextAttemptAtMs, error }));
      claimEqual(idsOf(await due(scope, lease, nextAttemptAtMs - 1)), [], "due before the next time");
      const again = only(await due(scope, lease, nextAttemptAtMs));
      claimEqual([again.status, again.attempts, again.nextAttemptAtMs], ["retry", 2, nextAttemptAtMs], "the row");
    },
  },
  {
    title: "101. a dead row is never due; its key goes on or waits, as asked",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [skipped, goesOn, stuck, waits] = [
        sealed({ key: "skip" }),
        sealed({ key: "skip" }),
        sealed({ key: "hold" }),
        sealed({ key: "hold" }),
      ];
      await parkRows(scope, lease, [
        [skipped, (row) => retryAt(row, nowMs)],
        [goesOn, held],
        [stuck, (row) => retryAt(row, nowMs)],
        [waits, held],
      ]);
      for (const row of await due(scope, lease, nowMs)) {
        const then = row.key === "skip" ? "skip" : "hold-key";
        await scope.wait("settleParked", relay.settleParked(lease, row, { kind: "dead", attempts: 8, error, then }));
      }
      claimEqual(idsOf(await due(scope, lease, Date.now() + nowMs)), [goesOn.id], "due behind a dead row");
      const found = await scope.wait("parked", relay.parked({ status: "dead" }));
      claimEqual(idsOf(found).toSorted(), [skipped.id, stuck.id].toSorted(), "dead rows");
      claimEqual(new Set(found.map((one) => one.attempts)), new Set([8]), "attempts of dead rows");
      const keys = (await scope.wait("held keys", relay.heldKeys(lease))).map((one) => one.key);
      claim(keys.includes("hold"), "a key behind a dead row that holds it must be among the held keys");
      claimEqual((await scope.wait("status", relay.status())).dead, 2, "dead rows in the status");
    },
  },
  {
    title: "101. parked rows can be looked up by status and key, made due again, and dropped for good",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [a, b, c] = [sealed({ key: "a" }), sealed({ key: "b" }), sealed({ key: "c" })];
      await parkRows(scope, lease, [[a, dead], [b, dead], [c, (row) => retryAt(row, nowMs)]]);
      const look = async (query: Parameters<RelayStore["parked"]>[0]) => scope.wait("parked", relay.parked(query));
      claimEqual(idsOf(await look({ status: "dead" })), [a.id, b.id], "dead rows, oldest first");
      claimEqual(idsOf(await look({ key: "b" })), [b.id], "rows of one key");
      claimEqual(idsOf(await look({ limit: 1 })), [a.id], "the oldest row");
      const positions = (await look({ key: "a" })).map((one) => one.position);
      claimEqual(await scope.wait("retryParked", relay.retryParked(positions)), 1, "rows made due");
      const again = (await due(scope, lease, Date.now() + 60_000)).find((one) => one.id === a.id);
      claimEqual([again?.status, again?.attempts], ["retry", 0], "a dead row made due again");
      const dropped = (await look({ key: "b" })).map((one) => one.position);
      claimEqual(await scope.wait("discardParked", relay.discardParked(dropped)), 1, "rows dropped");
      claimEqual(await scope.wait("discardParked again", relay.discardParked(dropped)), 0, "rows dropped twice");
      claimEqual(idsOf(await look({})), [a.id, c.id], "rows left");
    },
  },
];

const retryAt = (event: StoredEvent, nextAttemptAtMs: number): ParkRequest => ({
  event,
  status: "retry",
  attempts: 1,
  nextAttemptAtMs,
  error,
});
const held = (event: StoredEvent): ParkRequest => ({
  event,
  status: "held",
  attempts: 0,
  nextAttemptAtMs: undefined,
  error: undefined,
});
const dead = (event: StoredEvent): ParkRequest => ({
  event,
  status: "dead",
  attempts: 8,
  nextAttemptAtMs: undefined,
  error,
});

/** Commits these events and parks each as its request says. */
async function parkRows<Tx>(
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

const due = <Tx>(scope: StoreScope<Tx>, lease: RelayLease, atMs: number): Promise<readonly ParkedEvent[]> =>
  scope.wait("due", scope.store.relay.due(lease, atMs, 100));

function only(rows: readonly ParkedEvent[]): ParkedEvent {
  const [row] = rows;
  claim(row && rows.length === 1, `expected one row, got ${rows.length}`);
  return row;
}

/** Looks into both places over and over while something happens, where the database lets it. */
function watchBoth<Tx>(scope: StoreScope<Tx>, lease: RelayLease, ids: readonly string[]): { end(): Promise<void> } {
  let ended = false;
  const look = async (): Promise<void> => {
    while (!ended) {
      // The outbox first: a row that moves meanwhile is then seen in both, and in none only if it was lost.
      const [waiting, parked] = [await scope.read(lease), await scope.store.relay.parked({})];
      const seen = new Set(idsOf([...waiting, ...parked]));
      claimEqual(ids.filter((id) => !seen.has(id)), [], "events that are in neither place");
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
