import { claim, claimEqual } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoingRun } from "./message.ts";
import { lacksRefusal, refusedMessage } from "./refusal.ts";
import { claimConfirmed, statusesOf } from "./scope.ts";
import type { TransportCase } from "./scope.ts";

export const publishRunCases: readonly TransportCase[] = [
  {
    title:
      "publishRun confirms a prefix: after the first outcome that is not confirmed nothing later is confirmed",
    lacks: lacksRefusal,
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const key = "run";
      const good = outgoingRun(channel, 6, { key });
      const run = good.toSpliced(3, 0, refusedMessage(scope.harness, channel, key));
      const outcomes = await scope.publishRun(transport, run);
      claimEqual(outcomes.length, run.length, "outcomes of a run");
      claimEqual(
        statusesOf(outcomes.slice(0, 4)),
        ["confirmed", "confirmed", "confirmed", "rejected"],
        "the prefix",
      );
      claim(
        !statusesOf(outcomes.slice(4)).includes("confirmed"),
        "publishRun confirmed a message behind one it did not",
      );
      const certainlyNot = new Set(
        run.filter((_, index) => outcomes[index]?.status === "rejected").map(idOf),
      );
      const sentinel = await scope.sentinel(transport, channel, key);
      const arrived = idsOf((await intake.takeUntil(sentinel)).map((one) => one.message));
      claimEqual(arrived.slice(0, 3), idsOf(good).slice(0, 3), "the confirmed prefix arrives, in order");
      claim(
        !arrived.some((id) => certainlyNot.has(id)),
        "a message reported as rejected arrived all the same",
      );
    },
  },
  {
    title: "publishRun confirms a long run of one key, in order",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const [ordering, order] =
        scope.capabilities.orderingScope === "none"
          ? (["none", "any-order"] as const)
          : (["key", "in-order"] as const);
      const request = { group: scope.group(), channels: [channel], ordering, onArrival: ack };
      const intake = await scope.subscribe(transport, request);
      const run = outgoingRun(channel, 200, { key: "long" });
      claimConfirmed(await scope.publishRun(transport, run), run.length);
      claimArrived(await intake.take(run.length), idsOf(run), order, "the run");
    },
  },
];
