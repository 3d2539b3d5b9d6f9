import { claim, claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import type { StoreCase } from "../store/scope.ts";
import { idsOf } from "../store/scope.ts";
import { due, parkRows, retryIn } from "./park-rows.ts";

export const pauseCases: readonly StoreCase[] = [
  {
    title:
      "while the outbox is paused nothing is read and nothing is due, in no process; resume gives it all back",
    body: async (scope) => {
      const [parked, waiting, late] = [sealed({ key: "a" }), sealed({ key: "b" }), sealed({ key: "c" })];
      const lease = await scope.lease();
      await parkRows(scope, lease, [[parked, (row) => retryIn(row, 0)]]);
      await scope.commit([waiting]);
      const underway = await scope.read(lease);
      const { relay } = await scope.open();
      claimEqual((await scope.wait("status", relay.status())).pausedAtMs, undefined, "pausedAtMs before");
      await scope.wait("pause", relay.pause());
      const since = (await scope.wait("status", relay.status())).pausedAtMs;
      claim(since !== undefined, "the status must tell since when the outbox is paused");
      await scope.wait("pause again", relay.pause());
      claimEqual((await scope.wait("status", relay.status())).pausedAtMs, since, "pausedAtMs, paused twice");
      await scope.commit([late]);
      claimEqual(idsOf(await scope.read(lease)), [], "rows read while paused");
      claimEqual(idsOf(await due(scope, lease)), [], "rows due while paused");
      await scope.wait("confirm", scope.store.relay.confirm(lease, underway));
      await scope.wait("resume", relay.resume());
      claimEqual((await scope.wait("status", relay.status())).pausedAtMs, undefined, "pausedAtMs after");
      claimEqual(idsOf(await scope.read(lease)), [late.id], "rows read after resume");
      claimEqual(idsOf(await due(scope, lease)), [parked.id], "rows due after resume");
    },
  },
];
