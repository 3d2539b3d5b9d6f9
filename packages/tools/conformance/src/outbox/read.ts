import type { SealedEvent } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, lacksConcurrency, lacksHook, relay, sealedRun } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";

export const readCases: readonly StoreCase[] = [
  {
    title: "read gives the oldest committed rows first, at most as many as asked for, again until they are confirmed",
    body: async (scope) => {
      const lease = await scope.lease();
      const events = sealedRun(7);
      for (const event of events) await scope.commit([event]);
      claimEqual(idsOf(await scope.read(lease, 3)), idsOf(events.slice(0, 3)), "the oldest three");
      claimEqual(idsOf(await scope.read(lease, 5)), idsOf(events.slice(0, 5)), "the oldest five, read before or not");
      claimEqual(idsOf(await scope.read(lease)), idsOf(events), "all");
    },
  },
  {
    title: "96. a row that commits late is read whatever was read before",
    lacks: lacksConcurrency,
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [late, early, after] = [sealed(), sealed(), sealed()];
      const open = await scope.openTransaction(async (tx) => void (await store.outbox.append(tx, [late])));
      await scope.commit([early]);
      const first = await scope.read(lease);
      claimEqual(idsOf(first), idsOf([early]), "a long transaction holds up no other: events read");
      await scope.wait("confirm", store.relay.confirm(lease, first));
      await scope.commit([after]);
      const second = await scope.read(lease);
      claimEqual(idsOf(second), idsOf([after]), "events read after the first were confirmed");
      await scope.wait("confirm", store.relay.confirm(lease, second));
      claimEqual(idsOf(await scope.read(lease)), [], "nothing is left before the late commit: events read");
      await open.end("commit");
      claimEqual(idsOf(await scope.read(lease)), idsOf([late]), "the row that committed late");
    },
  },
  {
    title: "96. over many writers that commit out of order or roll back, exactly the committed events are read",
    patience: 4,
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [writers, each] = [scope.transactions === "serial" ? 1 : 6, Math.max(10, Math.round(60 * scope.load))];
      const committed: string[] = [];
      let writing = writers;
      const write = async (writer: number): Promise<void> => {
        for (let round = 0; round < each; round += 1) {
          const events = sealedRun(1 + ((round + writer) % 3));
          const fails = (round * 7 + writer) % 5 === 0;
          const turns = (round * 3 + writer * 5) % 4;
          const done = await writeSlowly(scope, events, turns, fails ? "rollback" : "commit");
          if (done === "commit") committed.push(...idsOf(events));
        }
        writing -= 1;
      };
      const seen: string[] = [];
      const drain = async (): Promise<void> => {
        for (let quiet = 0; quiet < 2; ) {
          const finished = writing === 0;
          const page = await scope.read(lease, 20);
          seen.push(...idsOf(page));
          await store.relay.confirm(lease, page);
          quiet = finished && page.length === 0 ? quiet + 1 : 0;
          await nextTurn();
        }
      };
      const work = [...Array.from({ length: writers }, (_, writer) => write(writer)), drain()];
      await scope.wait("writers and reader", Promise.all(work));
      claimEqual(seen.toSorted(), committed.toSorted(), "events read, each once");
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
      claimEqual((await scope.wait("status", store.relay.status())).backlog, 0, "backlog after all were confirmed");
    },
  },
  {
    title: "93. a relay that ends between publish and confirm leaves the same rows, same ids, to its successor",
    body: async (scope) => {
      const events = sealedRun(4);
      await scope.commit(events);
      const [first, second] = [scope.store, await scope.open()];
      const lease = await scope.wait("the lease", first.relay.acquire(relay, "dying", 60_000));
      claim(lease, "acquire");
      const before = await scope.wait("a read", first.relay.read(lease, 10));
      await scope.wait("release", first.relay.release(lease));
      const taken = await scope.wait("the lease", second.relay.acquire(relay, "successor", 60_000));
      claim(taken, "acquire after release");
      const after = await scope.wait("a read", second.relay.read(taken, 10));
      claimEqual(idsOf(before), idsOf(events), "events read by the first relay");
      claimEqual(idsOf(after), idsOf(events), "events read by its successor");
      claimEqual(after.map((one) => one.position), before.map((one) => one.position), "their positions");
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
      claimEqual(idsOf(await scope.wait("a read", store.relay.read(lease, 10))), idsOf(events), "events read");
    },
  },
];

async function writeSlowly<Tx>(
  scope: StoreScope<Tx>,
  events: readonly SealedEvent[],
  turns: number,
  how: "commit" | "rollback",
): Promise<"commit" | "rollback"> {
  const { store } = scope;
  const work = store.transaction(async (tx) => {
    await store.outbox.append(tx, events);
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    if (how === "rollback") throw new Error("rolled back by the case");
  });
  return work.then(
    () => "commit",
    (error: unknown) => {
      if (how === "commit") throw error;
      return "rollback";
    },
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
