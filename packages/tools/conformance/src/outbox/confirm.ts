import { claimEqual } from "../case/claim.ts";
import { idsOf, sealedRun } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";

export const confirmCases: readonly StoreCase[] = [
  {
    title: "confirm removes exactly these rows; removing one twice is a no-op",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      const events = sealedRun(6, { key: "k", shard: 2 });
      await scope.commit(events);
      const rows = await scope.read(lease);
      const [some, rest] = [
        rows.filter((_, index) => index % 2 === 1),
        rows.filter((_, index) => index % 2 === 0),
      ];
      await scope.wait("confirm", relay.confirm(lease, some));
      claimEqual(idsOf(await scope.read(lease)), idsOf(rest), "rows left after a partial confirm");
      await scope.wait("the same confirm again", relay.confirm(lease, some));
      claimEqual(idsOf(await scope.read(lease)), idsOf(rest), "rows left after the same confirm again");
      await scope.wait("confirm", relay.confirm(lease, rows));
      claimEqual(idsOf(await scope.read(lease)), [], "rows left after all were confirmed");
    },
  },
  {
    title: "102. confirm of one batch leaves what was appended meanwhile",
    body: async (scope) => {
      const { relay } = scope.store;
      const lease = await scope.lease();
      await scope.commit(sealedRun(3));
      const batch = await scope.read(lease);
      const meanwhile = sealedRun(2);
      await scope.commit(meanwhile);
      await scope.wait("confirm", relay.confirm(lease, batch));
      claimEqual(idsOf(await scope.read(lease)), idsOf(meanwhile), "rows left");
    },
  },
  {
    title: "confirm of nothing removes nothing",
    body: async (scope) => {
      const lease = await scope.lease();
      const events = sealedRun(2);
      await scope.commit(events);
      await scope.wait("confirm of nothing", scope.store.relay.confirm(lease, []));
      claimEqual(idsOf(await scope.read(lease)), idsOf(events), "rows left");
    },
  },
];
