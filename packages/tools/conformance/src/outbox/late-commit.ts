import type { SealedEvent } from "@postrider/core";
import { claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, lacksConcurrency, sealedRun } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";

export const lateCommitCases: readonly StoreCase[] = [
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
    title:
      "96. over many writers that commit out of order or roll back, exactly the committed events are read",
    patience: 4,
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [writers, each] = [
        scope.transactions === "serial" ? 1 : 6,
        Math.max(10, Math.round(60 * scope.load)),
      ];
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
        for (let quiet = 0; quiet < 2;) {
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
