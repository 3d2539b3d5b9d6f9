import { claimEqual } from "../case/claim.ts";
import type { StoreCase } from "../store/scope.ts";
import { registerAlone } from "./mark.ts";

export const registerCases: readonly StoreCase[] = [
  {
    title: "114. a message id is new once, and a duplicate ever after",
    body: async (scope) => {
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#1", "/orders#2"]),
        ["/orders#1", "/orders#2"],
        "new ids",
      );
      claimEqual(await registerAlone(scope, "billing", ["/orders#1"]), [], "new ids of a duplicate");
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#2", "/orders#3"]),
        ["/orders#3"],
        "new ids of a mixed batch",
      );
      const second = await scope.open();
      const elsewhere = second.transaction((tx) => second.inbox.register(tx, "billing", ["/orders#1"]));
      claimEqual(
        [...(await scope.wait("register", elsewhere))],
        [],
        "new ids of a duplicate at another process",
      );
    },
  },
  {
    title: "118. a mark is one consumer's: each consumer works on the message once",
    body: async (scope) => {
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#1"]),
        ["/orders#1"],
        "new ids of one consumer",
      );
      claimEqual(await registerAlone(scope, "shipping", ["/orders#1"]), ["/orders#1"], "new ids of another");
      claimEqual(
        await registerAlone(scope, "shipping", ["/invoices#1"]),
        ["/invoices#1"],
        "same id, other source",
      );
    },
  },
  {
    title: "119. an id given twice in one batch counts once",
    body: async (scope) => {
      const ids = ["/orders#1", "/orders#2", "/orders#1", "/orders#1"];
      claimEqual(await registerAlone(scope, "billing", ids), ["/orders#1", "/orders#2"], "new ids");
      claimEqual(await registerAlone(scope, "billing", ids), [], "new ids the second time");
    },
  },
  {
    title: "121. a mark commits and rolls back with the transaction",
    body: async (scope) => {
      const { store, database } = scope;
      const failed = store.transaction(async (tx) => {
        const fresh = await store.inbox.register(tx, "billing", ["/orders#1"]);
        claimEqual([...fresh], ["/orders#1"], "new ids of the attempt that fails");
        await database.writeEffect(tx, "first attempt");
        throw new Error("the handler failed");
      });
      await scope.wait(
        "a rollback",
        failed.catch((error: Error) => claimEqual(error.message, "the handler failed", "error")),
      );
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#1"]),
        ["/orders#1"],
        "new ids of the second attempt",
      );
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#1"]),
        [],
        "new ids after the second attempt",
      );
      claimEqual(await scope.wait("the effects", database.readEffects()), [], "rows of the failed attempt");
    },
  },
  {
    title: "a mark that is taken back in its transaction leaves the message to be worked on",
    body: async (scope) => {
      const { store } = scope;
      const batch = store.transaction(async (tx) => {
        await store.inbox.register(tx, "billing", ["/orders#1", "/orders#2", "/orders#3"]);
        await store.inbox.unregister(tx, "billing", ["/orders#2"]);
      });
      await scope.wait("a batch that one message is taken out of", batch);
      claimEqual(
        await registerAlone(scope, "billing", ["/orders#1", "/orders#2", "/orders#3"]),
        ["/orders#2"],
        "new ids",
      );
    },
  },
  {
    title: "ids of any length and script are told apart, and a thousand at once are no trouble",
    body: async (scope) => {
      const long = `/source/${"x".repeat(300)}`;
      const odd = [
        `${long}#1`,
        `${long}#2`,
        "/ä#🐎",
        "/a#ä",
        "/A#ä",
        "#",
        "/orders#%00",
        "/orders#' or 1=1 --",
      ];
      claimEqual((await registerAlone(scope, "billing", odd)).toSorted(), odd.toSorted(), "new ids");
      claimEqual(await registerAlone(scope, "billing", odd), [], "new ids the second time");
      const many = Array.from({ length: 1_000 }, (_, index) => `/orders#${index}`);
      claimEqual((await registerAlone(scope, "billing", many)).length, 1_000, "new ids of a thousand");
      claimEqual(await registerAlone(scope, "billing", []), [], "new ids of none");
    },
  },
];
