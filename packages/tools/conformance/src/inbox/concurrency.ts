import type { Store } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { lacksConcurrency } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";

const consumer = "billing";
const id = "/orders#1";

export const concurrencyCases: readonly StoreCase[] = [
  {
    title:
      "of two transactions that mark one id at the same time the second waits for the first: committed, it is a duplicate; rolled back, it runs",
    lacks: lacksConcurrency,
    body: async (scope) => {
      for (const how of ["rollback", "commit"] as const) {
        const first = await scope.openTransaction(async (tx) => {
          const fresh = await scope.store.inbox.register(tx, consumer, [id]);
          claimEqual([...fresh], [id], "new ids of the first transaction");
        });
        let answered: "waiting" | "answered" = "waiting";
        const second = markUntilDone(scope.store, [id]).finally(() => {
          answered = "answered";
        });
        second.catch(() => undefined);
        // Another id goes through meanwhile: had the second one been let through, it would have been answered by now.
        const other = await scope.wait("another id", markUntilDone(scope.store, [`/other#${how}`]));
        claimEqual([...other], [`/other#${how}`], "new ids of another message");
        claimEqual(answered, "waiting", "the second transaction while the first is open");
        await first.end(how);
        const fresh = await scope.wait("the second transaction", second);
        claimEqual(
          [...fresh],
          how === "rollback" ? [id] : [],
          `new ids of the second after a ${how} of the first`,
        );
        if (how === "rollback") await forget(scope, id);
      }
    },
  },
  {
    title: "115. the same id at ten consumers at once is new at one of them",
    lacks: lacksConcurrency,
    body: async (scope) => {
      const stores = [scope.store, await scope.open()];
      const attempts = Array.from({ length: 10 }, (_, index) =>
        markUntilDone(stores[index % 2] ?? scope.store, [id]),
      );
      const answers = await scope.wait("ten that mark one id", Promise.all(attempts));
      claimEqual(answers.filter((fresh) => fresh.has(id)).length, 1, "transactions that found the id new");
    },
  },
  {
    title: "115. batches that hold the same ids in other orders all end, and each id is new once",
    lacks: lacksConcurrency,
    body: async (scope) => {
      const ids = Array.from({ length: 12 }, (_, index) => `/orders#${index}`);
      const batches = [
        ids,
        ids.toReversed(),
        ids.toSorted(),
        ids.toSpliced(0, 6, ...ids.slice(6)),
        ids.slice(3).concat(ids),
      ];
      const work = batches.map((batch) => markUntilDone(scope.store, batch));
      const answers = await scope.wait("five batches with the same ids", Promise.all(work));
      const fresh = answers.flatMap((answer) => [...answer]);
      claimEqual(fresh.toSorted(), ids.toSorted(), "ids found new over all batches");
    },
  },
];

/** As core does: runs the transaction again where the database says that this can help. */
async function markUntilDone<Tx>(store: Store<Tx>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.transaction((tx) => store.inbox.register(tx, consumer, ids));
    } catch (error) {
      const again = store.isRetryable?.(error) === true && attempt < 20;
      if (!again) throw error;
    }
  }
}

async function forget<Tx>(scope: StoreScope<Tx>, messageId: string): Promise<void> {
  let pruned = 0;
  await scope.until("the mark to grow old enough to be pruned", async () => {
    pruned += await scope.store.inbox.prune({ olderThanMs: 0 });
    const fresh = await scope.store.transaction(async (tx) => {
      const answer = await scope.store.inbox.register(tx, consumer, [messageId]);
      await scope.store.inbox.unregister(tx, consumer, [...answer]);
      return answer;
    });
    return fresh.has(messageId);
  });
  claim(pruned > 0, "prune forgot nothing");
}
