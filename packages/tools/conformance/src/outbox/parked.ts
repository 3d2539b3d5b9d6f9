import type { RelayStore, StoredEvent } from "@postrider/core";
import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";
import { dead, due, error, held, hourMs, only, parkRows, retryIn, settle } from "./park-rows.ts";

export const parkedCases: readonly StoreCase[] = [
  {
    title: "101. a parked row that was published is gone, and the next of its key is due",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const events = ["1", "2", "3", "4"].map((id) => sealed({ id, key: "a" }));
      await parkRows(
        scope,
        lease,
        events.map((event, n) => [event, (row) => (n === 0 ? retryIn(row, 0) : held(row))] as const),
      );
      for (const kind of ["published", "discarded"] as const) {
        const rows = await due(scope, lease);
        claimEqual(rows[0]?.status, "retry", "status of the first row of the key");
        claimEqual(await settle(scope, lease, rows.slice(0, 1), () => ({ kind })), [], "keys that are free");
      }
      claimEqual(idsOf(await due(scope, lease)), ["3", "4"], "due rows after two have gone");
      const freed = await settle(scope, lease, await due(scope, lease), () => ({ kind: "published" }));
      claimEqual(freed, [{ channel: sealed().channel, key: "a" }], "keys that are free");
      claimEqual(idsOf(await scope.wait("parked", relay.parked({}))), [], "parked rows left");
      claimEqual(await scope.wait("held keys", relay.heldKeys(lease)), [], "held keys left");
      claimEqual(idsOf(await scope.read(lease)), [], "rows in the outbox");
    },
  },
  {
    title: "101. what became of many rows is written down at once: those that passed, and one that did not",
    body: async (scope) => {
      const lease = await scope.lease();
      const events = ["1", "2", "3", "4"].map((id) => sealed({ id, key: "a" }));
      const alone = sealed({ id: "alone" });
      await parkRows(scope, lease, [
        ...events.map(
          (event, n) => [event, (row: StoredEvent) => (n === 0 ? retryIn(row, 0) : held(row))] as const,
        ),
        [alone, (row) => retryIn(row, 0)],
      ]);
      const rows = (await due(scope, lease)).filter(({ id }) => id !== "4");
      claimEqual(rows.length, 4, "due rows, but for the last one");
      const freed = await settle(scope, lease, rows, ({ id }) =>
        id === "3" ? { kind: "retry", attempts: 1, waitMs: hourMs, error } : { kind: "published" },
      );
      claimEqual(freed, [], "keys that are free");
      const left = await scope.wait("parked", scope.store.relay.parked({}));
      claimEqual(
        left.map(({ id, status, attempts }) => [id, status, attempts]),
        [
          ["3", "retry", 1],
          ["4", "held", 0],
        ],
        "parked rows left",
      );
      claimEqual(idsOf(await due(scope, lease)), [], "due behind a row that waits again");
    },
  },
  {
    title: "100. an owner that lost its lease can neither park nor settle",
    body: async (scope) => {
      const { relay } = scope.store;
      const lost = await scope.lease();
      const [parked, waiting] = [sealed({ key: "a" }), sealed({ key: "b" })];
      await parkRows(scope, lost, [[parked, (row) => retryIn(row, 0)]]);
      await scope.commit([waiting]);
      const [rows, page] = [await due(scope, lost), await scope.read(lost)];
      await scope.wait("release", relay.release(lost));
      const lease = await scope.lease();
      const park = relay.park(lost, page.map(held));
      await scope.wait("park to be refused", claimRejects(park, ["STORE_LEASE_LOST"], "park"));
      const settled = settle(scope, lost, rows, () => ({ kind: "published" }));
      await scope.wait(
        "settleParked to be refused",
        claimRejects(settled, ["STORE_LEASE_LOST"], "settleParked"),
      );
      claimEqual(idsOf(await due(scope, lease)), [parked.id], "parked rows left");
      claimEqual(idsOf(await scope.read(lease)), [waiting.id], "rows left in the outbox");
    },
  },
  {
    title: "101. a parked row that fails again keeps its attempts and its next time",
    body: async (scope) => {
      const lease = await scope.lease();
      await parkRows(scope, lease, [[sealed({ key: "a" }), (row) => retryIn(row, 0)]]);
      const retry = (waitMs: number) =>
        due(scope, lease).then((rows) =>
          settle(scope, lease, [only(rows)], () => ({ kind: "retry", attempts: 2, waitMs, error })),
        );
      await retry(0);
      const again = only(await due(scope, lease));
      claimEqual([again.status, again.attempts], ["retry", 2], "the row");
      await retry(hourMs);
      claimEqual(idsOf(await due(scope, lease)), [], "due before the next time");
      const [row] = await scope.wait("parked", scope.store.relay.parked({}));
      const waitMs = (row?.nextAttemptAtMs ?? 0) - Date.now();
      claim(Math.abs(waitMs - hourMs) < 600_000, "nextAttemptAtMs must be the time of the next attempt");
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
        [skipped, (row) => retryIn(row, 0)],
        [goesOn, held],
        [stuck, (row) => retryIn(row, 0)],
        [waits, held],
      ]);
      const heads = (await due(scope, lease)).filter(({ status }) => status === "retry");
      await settle(scope, lease, heads, ({ key }) => ({
        kind: "dead",
        attempts: 8,
        error,
        onDead: key === "skip" ? "skip" : "hold-key",
      }));
      claimEqual(idsOf(await due(scope, lease)), [goesOn.id], "due behind a dead row");
      const found = await scope.wait("parked", relay.parked({ status: "dead" }));
      claimEqual(idsOf(found).toSorted(), [skipped.id, stuck.id].toSorted(), "dead rows");
      claimEqual(new Set(found.map((one) => one.attempts)), new Set([8]), "attempts of dead rows");
      const keys = (await scope.wait("held keys", relay.heldKeys(lease))).map((one) => one.key);
      claim(keys.includes("hold"), "a key behind a dead row that holds it must be among the held keys");
      claimEqual((await scope.wait("status", relay.status())).dead, 2, "dead rows in the status");
    },
  },
  {
    title: "101. a row that is parked as dead holds its key, or lets it go on, as asked",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [skipped, stuck] = [sealed({ key: "skip" }), sealed({ key: "hold" })];
      await parkRows(scope, lease, [
        [skipped, (row) => ({ ...dead(row), onDead: "skip" })],
        [stuck, (row) => ({ ...dead(row), onDead: "hold-key" })],
      ]);
      const keys = (await scope.wait("held keys", relay.heldKeys(lease))).map((one) => one.key);
      claimEqual(keys, ["hold"], "held keys");
    },
  },
  {
    title: "101. parked rows can be looked up by status and key, made due again, and dropped for good",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [a, b, c] = [sealed({ key: "a" }), sealed({ key: "b" }), sealed({ key: "c" })];
      await parkRows(scope, lease, [
        [a, dead],
        [b, dead],
        [c, (row) => retryIn(row, 0)],
      ]);
      const look = async (query: Parameters<RelayStore["parked"]>[0]) =>
        scope.wait("parked", relay.parked(query));
      claimEqual(idsOf(await look({ status: "dead" })), [a.id, b.id], "dead rows, oldest first");
      claimEqual(idsOf(await look({ key: "b" })), [b.id], "rows of one key");
      claimEqual(idsOf(await look({ limit: 1 })), [a.id], "the oldest row");
      const positions = (await look({ key: "a" })).map((one) => one.position);
      claimEqual(await scope.wait("retryParked", relay.retryParked(positions)), 1, "rows made due");
      const again = (await due(scope, lease)).find((one) => one.id === a.id);
      claimEqual([again?.status, again?.attempts], ["retry", 0], "a dead row made due again");
      const dropped = (await look({ key: "b" })).map((one) => one.position);
      claimEqual(await scope.wait("discardParked", relay.discardParked(dropped)), 1, "rows dropped");
      claimEqual(
        await scope.wait("discardParked again", relay.discardParked(dropped)),
        0,
        "rows dropped twice",
      );
      claimEqual(idsOf(await look({})), [a.id, c.id], "rows left");
    },
  },
];
