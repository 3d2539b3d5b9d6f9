import { claim, claimCode, claimEqual } from "../case/claim.ts";
import { idOf, outgoingRun } from "./message.ts";
import { publishDeadlineMs, sayOutcome } from "./scope.ts";
import type { TransportCase } from "./scope.ts";

export const publishAtCloseCases: readonly TransportCase[] = [
  {
    title: "49. after close every outcome is a rejection with USAGE_CLOSED",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      await scope.close(transport);
      const outcomes = [
        ...(await scope.publish(transport, outgoingRun(channel, 2))),
        ...(await scope.publishRun(transport, outgoingRun(channel, 2, { key: "k" }))),
      ];
      claimEqual(outcomes.length, 4, "outcomes after close");
      for (const outcome of outcomes) {
        claim(outcome.status === "rejected", `after close: expected rejected, got ${sayOutcome(outcome)}`);
        claimCode(outcome.error, ["USAGE_CLOSED"], "publish after close");
      }
    },
  },
  {
    title: "49. publishes that are under way at close settle, and what they report is true",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      await scope.bind(group, [channel]);
      const transport = await scope.connect();
      const batch = outgoingRun(channel, 50);
      const bounds = { deadlineMs: publishDeadlineMs };
      const publishes = batch.map(async (message) => {
        const [outcome] = await transport.publisher.publish([message], bounds);
        return { id: idOf(message), status: outcome?.status };
      });
      await scope.close(transport);
      const outcomes = await scope.wait("publishes under way at close", Promise.all(publishes));
      const reader = await scope.connect();
      const intake = await scope.subscribe(reader, { group, channels: [channel] });
      await intake.takeUntil(await scope.sentinel(reader, channel));
      // A channel may be kept in several places without order among each other: the sentinel may overtake.
      const arrived = (): Set<string> => new Set(intake.all.map((one) => idOf(one.message)));
      const confirmed = outcomes.filter(({ status }) => status === "confirmed");
      await scope.until("every message confirmed during close", () =>
        confirmed.every(({ id }) => arrived().has(id)),
      );
      for (const { id, status } of outcomes) {
        if (status === "rejected")
          claim(!arrived().has(id), "a message rejected during close is at the broker");
      }
    },
  },
];
