import { claim, claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, lacksHook, pageOf, sealedRun } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";

export const readCases: readonly StoreCase[] = [
  {
    title:
      "read gives the oldest committed rows first, at most as many as asked for, again until they are confirmed",
    body: async (scope) => {
      const lease = await scope.lease();
      const events = sealedRun(7);
      for (const event of events) await scope.commit([event]);
      claimEqual(idsOf(await scope.read(lease, 3)), idsOf(events.slice(0, 3)), "the oldest three");
      claimEqual(
        idsOf(await scope.read(lease, 5)),
        idsOf(events.slice(0, 5)),
        "the oldest five, read before or not",
      );
      claimEqual(idsOf(await scope.read(lease)), idsOf(events), "all");
    },
  },
  {
    title: "a page of the outbox has at most the rows and bytes asked for, and one row however large it is",
    body: async (scope) => {
      const lease = await scope.lease();
      const events = [2_000, 2_000, 200_000, 2_000].map((bytes) =>
        sealed({ payload: Buffer.alloc(bytes, "x") }),
      );
      await scope.commit(events);
      const page = async (maxRows: number, maxBytes: number) =>
        idsOf(await scope.wait("a read", scope.store.relay.read(lease, { maxRows, maxBytes })));
      const first = (count: number) => idsOf(events.slice(0, count));
      claimEqual(await page(10, 1_000_000), first(4), "a page with room for all");
      claimEqual(await page(3, 1_000_000), first(3), "a page of three rows");
      claimEqual(await page(10, 6_000), first(2), "a page of 6,000 bytes");
      claimEqual(await page(10, 3_999), first(1), "a page of 3,999 bytes");
      claimEqual(await page(10, 1), first(1), "a page of one byte");
      await scope.wait("confirm", scope.store.relay.confirm(lease, await scope.read(lease, 2)));
      claimEqual(await page(10, 6_000), idsOf(events.slice(2, 3)), "a row that is larger than the page");
    },
  },
  {
    title: "95. a backlog is read in order, page by page",
    patience: 2,
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const events = sealedRun(Math.max(60, Math.round(2_000 * scope.load)), { key: "one", shard: 5 });
      for (let from = 0; from < events.length; from += 25) await scope.commit(events.slice(from, from + 25));
      const status = await scope.wait("status", store.relay.status());
      claimEqual(status.backlog, events.length, "backlog");
      claim((status.oldestAgeMs ?? -1) >= 0, "oldestAgeMs of a backlog must be a number from 0");
      const seen: string[] = [];
      for (let page = await scope.read(lease, 100); page.length > 0; page = await scope.read(lease, 100)) {
        claim(page.length <= 100, "a page is longer than asked for");
        seen.push(...idsOf(page));
        await scope.wait("confirm", store.relay.confirm(lease, page));
      }
      claimEqual(seen, idsOf(events), "events in the order committed");
      claimEqual(
        (await scope.wait("status", store.relay.status())).backlog,
        0,
        "backlog after all were confirmed",
      );
    },
  },
  {
    title:
      "93. a relay that ends between publish and confirm leaves the same rows, same ids, to its successor",
    body: async (scope) => {
      const events = sealedRun(4);
      await scope.commit(events);
      const [first, second] = [scope.store, await scope.open()];
      const lease = await scope.wait("the lease", first.relay.acquire("dying", 60_000));
      claim(lease, "acquire");
      const before = await scope.wait("a read", first.relay.read(lease, pageOf(10)));
      await scope.wait("release", first.relay.release(lease));
      const taken = await scope.wait("the lease", second.relay.acquire("successor", 60_000));
      claim(taken, "acquire after release");
      const after = await scope.wait("a read", second.relay.read(taken, pageOf(10)));
      claimEqual(idsOf(before), idsOf(events), "events read by the first relay");
      claimEqual(idsOf(after), idsOf(events), "events read by its successor");
      claimEqual(
        after.map((one) => one.position),
        before.map((one) => one.position),
        "their positions",
      );
    },
  },
  {
    title: "94. committed rows are still there when the database was restarted or its file opened again",
    lacks: lacksHook("restart"),
    body: async (scope) => {
      const events = sealedRun(3);
      await scope.commit(events);
      await scope.wait("the store to close", scope.store.close());
      await scope.wait("a restart", scope.restart());
      const store = await scope.open();
      const lease = await scope.lease(store);
      claimEqual(
        idsOf(await scope.wait("a read", store.relay.read(lease, pageOf(10)))),
        idsOf(events),
        "events read",
      );
    },
  },
];
