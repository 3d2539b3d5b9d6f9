import type { RelayStore } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";
import { dead, due, error, held, nowMs, only, parkRows, retryAt } from "./park-rows.ts";

export const parkedCases: readonly StoreCase[] = [
  {
    title: "101. a parked row that was published is gone, and the next of its key is due",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const [first, second, third] = [sealed({ key: "a" }), sealed({ key: "a" }), sealed({ key: "a" })];
      await parkRows(scope, lease, [
        [first, (row) => retryAt(row, nowMs)],
        [second, held],
        [third, held],
      ]);
      for (const [expected, kind] of [
        [first, "published"],
        [second, "discarded"],
        [third, "published"],
      ] as const) {
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
      await scope.wait(
        "settleParked",
        relay.settleParked(lease, row, { kind: "retry", attempts: 2, nextAttemptAtMs, error }),
      );
      claimEqual(idsOf(await due(scope, lease, nextAttemptAtMs - 1)), [], "due before the next time");
      const again = only(await due(scope, lease, nextAttemptAtMs));
      claimEqual(
        [again.status, again.attempts, again.nextAttemptAtMs],
        ["retry", 2, nextAttemptAtMs],
        "the row",
      );
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
        const onDead = row.key === "skip" ? "skip" : "hold-key";
        const result = { kind: "dead", attempts: 8, error, onDead } as const;
        await scope.wait("settleParked", relay.settleParked(lease, row, result));
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
        [c, (row) => retryAt(row, nowMs)],
      ]);
      const look = async (query: Parameters<RelayStore["parked"]>[0]) =>
        scope.wait("parked", relay.parked(query));
      claimEqual(idsOf(await look({ status: "dead" })), [a.id, b.id], "dead rows, oldest first");
      claimEqual(idsOf(await look({ key: "b" })), [b.id], "rows of one key");
      claimEqual(idsOf(await look({ limit: 1 })), [a.id], "the oldest row");
      const positions = (await look({ key: "a" })).map((one) => one.position);
      claimEqual(await scope.wait("retryParked", relay.retryParked(positions)), 1, "rows made due");
      const again = (await due(scope, lease, Date.now() + 60_000)).find((one) => one.id === a.id);
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
