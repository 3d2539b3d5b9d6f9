import type { SealedEvent } from "@postrider/core";
import { claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, pageOf } from "../store/scope.ts";
import type { StoreCase, StoreScope } from "../store/scope.ts";

export const handlerCases: readonly StoreCase[] = [
  {
    title: "116. mark, rows of the handler and outgoing events commit together, and a failure leaves none",
    body: async (scope) => {
      const { database } = scope;
      const lease = await scope.lease();
      const outgoing = sealed();
      await scope.wait(
        "a failing attempt",
        handle(scope, outgoing, "fails").catch(() => undefined),
      );
      claimEqual(idsOf(await scope.read(lease)), [], "events after a failing attempt");
      claimEqual(await scope.wait("the effects", database.readEffects()), [], "rows after a failing attempt");
      const second = await scope.wait("the second attempt", handle(scope, outgoing, "succeeds"));
      claimEqual(second, "new", "the second attempt");
      claimEqual(
        await scope.wait("the effects", database.readEffects()),
        ["succeeds"],
        "rows of the handler",
      );
      claimEqual(idsOf(await scope.read(lease)), [outgoing.id], "events to be sent");
    },
  },
  {
    title:
      "117. after a crash between commit and ack the redelivery is skipped, and what was published is still sent",
    body: async (scope) => {
      const outgoing = sealed();
      claimEqual(
        await scope.wait("the handler", handle(scope, outgoing, "succeeds")),
        "new",
        "the first delivery",
      );
      // The process dies here; another one gets the message again, and has the outbox to relay.
      const other = { ...scope, store: await scope.open() };
      const redelivery = await scope.wait("the redelivery", handle(other, sealed(), "succeeds"));
      claimEqual(redelivery, "duplicate", "the redelivery");
      const lease = await scope.lease(other.store);
      const events = await scope.wait("a read", other.store.relay.read(lease, pageOf(10)));
      claimEqual(idsOf(events), [outgoing.id], "events to be sent");
      const effects = await scope.wait("the effects", scope.database.readEffects());
      claimEqual(effects, ["succeeds"], "rows of the handler");
    },
  },
];

/** What core does for a handler: mark, work and follow-up events in one transaction. */
function handle<Tx>(
  { store, database }: Pick<StoreScope<Tx>, "store" | "database">,
  followUp: SealedEvent,
  outcome: "fails" | "succeeds",
): Promise<"new" | "duplicate"> {
  return store.transaction(async (tx) => {
    const fresh = await store.inbox.register(tx, "billing", ["/orders#1"]);
    if (fresh.size === 0) return "duplicate";
    await database.writeEffect(tx, outcome);
    await store.outbox.append(tx, [followUp]);
    if (outcome === "fails") throw new Error("the handler failed");
    return "new";
  });
}
