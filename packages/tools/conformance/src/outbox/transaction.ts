import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, lacksHook, sealedRun } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";

export const transactionCases: readonly StoreCase[] = [
  {
    title: "89. events of a committed transaction are read, those of one rolled back never are",
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [kept, dropped] = [sealedRun(3), sealedRun(3)];
      await scope.commit(kept);
      const failure = new Error("the work failed");
      const rolledBack = store.transaction(async (tx) => {
        await store.outbox.append(tx, dropped);
        throw failure;
      });
      const error: unknown = await scope.wait(
        "a rollback",
        rolledBack.catch((thrown: unknown) => thrown),
      );
      claim(error === failure, "transaction must reject with the very error of its work");
      const [last] = sealedRun(1);
      claim(last, "an event");
      await scope.commit([last]);
      claimEqual(idsOf(await scope.read(lease)), idsOf([...kept, last]), "events read");
    },
  },
  {
    title: "89. what was appended inside a savepoint goes with it",
    lacks: lacksHook("savepoint"),
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [before, inside, after] = [sealed(), sealed(), sealed()];
      await scope.wait(
        "a transaction with a savepoint",
        store.transaction(async (tx) => {
          await store.outbox.append(tx, [before]);
          const rolledBack = scope.savepoint(tx, async () => {
            await store.outbox.append(tx, [inside]);
            throw new Error("back to the savepoint");
          });
          await rolledBack.catch(() => undefined);
          await store.outbox.append(tx, [after]);
        }),
      );
      claimEqual(idsOf(await scope.read(lease)), idsOf([before, after]), "events read");
    },
  },
  {
    title: "116. the application's rows and the events commit together, and a failure leaves neither",
    body: async (scope) => {
      const { store, database } = scope;
      const lease = await scope.lease();
      const [kept, dropped] = [sealed(), sealed()];
      await scope.wait(
        "a commit",
        store.transaction(async (tx) => {
          await database.writeEffect(tx, "kept");
          await store.outbox.append(tx, [kept]);
        }),
      );
      const failed = store.transaction(async (tx) => {
        await store.outbox.append(tx, [dropped]);
        await database.writeEffect(tx, "dropped");
        throw new Error("the work failed");
      });
      await scope.wait(
        "a rollback",
        failed.catch(() => undefined),
      );
      claimEqual(
        await scope.wait("the effects", database.readEffects()),
        ["kept"],
        "rows of the application",
      );
      claimEqual(idsOf(await scope.read(lease)), idsOf([kept]), "events read");
    },
  },
  {
    title: "92. append outside a transaction is refused with STORE_OUTSIDE_TRANSACTION",
    lacks: lacksHook("outsideTransaction"),
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const handle = await scope.wait("a handle without a transaction", scope.outsideTransaction());
      const append = (async () => store.outbox.append(handle, sealedRun(2)))();
      const codes = ["STORE_OUTSIDE_TRANSACTION", "STORE_TRANSACTION_CLOSED"];
      await scope.wait("append to be refused", claimRejects(append, codes, "append outside a transaction"));
      claimEqual(idsOf(await scope.read(lease)), [], "events read after a refused append");
    },
  },
];
