import { ack, claimArrived } from "./intake.ts";
import { idOf, outgoing } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const dedupeCases: readonly TransportCase[] = [
  {
    title: "a second message of the same id is dropped inside the deduplication window",
    lacks: (harness) =>
      harness.capabilities.nativeDedupeWindowMs > 0
        ? undefined
        : "the broker drops no second message (nativeDedupeWindowMs is 0)",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const sent = outgoing(channel);
      await scope.confirm(transport, [sent]);
      await scope.confirm(transport, [sent]);
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [idOf(sent), sentinel],
        "any-order",
        "one of two equal messages",
      );
    },
  },
  {
    title: "a second message of the same id arrives too where the broker does not deduplicate",
    lacks: (harness) =>
      harness.capabilities.nativeDedupeWindowMs > 0
        ? "the broker drops a second message (nativeDedupeWindowMs is not 0)"
        : undefined,
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const sent = outgoing(channel);
      await scope.confirm(transport, [sent]);
      await scope.confirm(transport, [sent]);
      const sentinel = await scope.sentinel(transport, channel);
      const expected = [idOf(sent), idOf(sent), sentinel];
      claimArrived(await intake.takeUntil(sentinel), expected, "any-order", "both of two equal messages");
    },
  },
];
