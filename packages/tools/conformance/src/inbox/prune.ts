import { claim, claimEqual } from "../case/claim.ts";
import type { StoreCase } from "../store/scope.ts";
import { registerAlone } from "./mark.ts";

const hourMs = 3_600_000;

export const pruneCases: readonly StoreCase[] = [
  {
    title: "120. prune forgets marks older than asked, and no younger ones",
    body: async (scope) => {
      const { inbox } = scope.store;
      const ids = Array.from({ length: 25 }, (_, index) => `/orders#${index}`);
      await registerAlone(scope, "billing", ids);
      const markedAtMs = Date.now();
      await scope.until("the marks to be older than nothing", () => Date.now() > markedAtMs + 5);
      claimEqual(
        await scope.wait("prune", inbox.prune({ olderThanMs: hourMs })),
        0,
        "marks forgotten that are an hour old",
      );
      claimEqual(await registerAlone(scope, "billing", ids), [], "new ids after a prune that found nothing");
      let pruned = 0;
      await scope.until("all marks to be forgotten", async () => {
        pruned += await inbox.prune({ olderThanMs: 0, batchSize: 10 });
        return pruned >= ids.length;
      });
      claimEqual(pruned, ids.length, "marks forgotten");
      claimEqual(
        (await registerAlone(scope, "billing", ids)).length,
        ids.length,
        "new ids after all were forgotten",
      );
    },
  },
  {
    title: "prune forgets at most as many marks as asked for",
    body: async (scope) => {
      const { inbox } = scope.store;
      const ids = Array.from({ length: 25 }, (_, index) => `/orders#${index}`);
      await registerAlone(scope, "billing", ids);
      const markedAtMs = Date.now();
      await scope.until("the marks to be older than nothing", () => Date.now() > markedAtMs + 50);
      const prune = (maxRows: number) =>
        scope.wait("prune", inbox.prune({ olderThanMs: 0, batchSize: 4, maxRows }));
      claimEqual(await prune(10), 10, "marks forgotten of 25, at most 10");
      claimEqual(await prune(2), 2, "marks forgotten, at most 2");
      claimEqual(await prune(100), 13, "marks forgotten that were left");
    },
  },
  {
    title: "120. prune of an empty inbox forgets nothing, and an aborted one ends",
    body: async (scope) => {
      const { inbox } = scope.store;
      claimEqual(
        await scope.wait("prune", inbox.prune({ olderThanMs: 0 })),
        0,
        "marks forgotten in an empty inbox",
      );
      await registerAlone(scope, "billing", ["/orders#1"]);
      const aborted = inbox.prune({ olderThanMs: hourMs, signal: AbortSignal.abort() });
      const outcome = await scope.wait(
        "an aborted prune",
        aborted.then(
          () => "ended",
          () => "ended",
        ),
      );
      claim(outcome === "ended", "an aborted prune");
      claimEqual(await registerAlone(scope, "billing", ["/orders#1"]), [], "new ids after an aborted prune");
    },
  },
];
