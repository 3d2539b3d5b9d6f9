import { claim, claimEqual } from "../case/claim.ts";
import { ack, claimArrived, retry } from "./intake.ts";
import { idOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const redeliverCases: readonly TransportCase[] = [
  {
    title:
      "18. a retry comes again with attempt 1, 2, 3, flagged as redelivered and otherwise as it was sent",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const sent = outgoing(channel, { key: "k", headers: { "x-note": "kept" } });
      await scope.confirm(transport, [sent]);
      for (const attempt of [1, 2, 3]) {
        const delivery = await intake.next();
        claimEqual(
          [delivery.attempt, delivery.redelivered],
          [attempt, attempt > 1],
          "attempt and redelivered",
        );
        scope.claimSame(delivery, sent);
        await scope.wait("settle", attempt < 3 ? retry(delivery, 0) : delivery.settle({ kind: "ack" }));
      }
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "after the ack of the third attempt",
      );
    },
  },
  {
    title: "23. what a consumer changed in a delivery is as it was sent on the next one",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const sent = outgoing(channel, { body: Uint8Array.of(1, 2, 3), headers: { "x-note": "kept" } });
      await scope.confirm(transport, [sent]);
      const first = await intake.next();
      first.message.body?.fill(0);
      // Handlers in plain JavaScript are not held by `readonly`; what is frozen keeps itself.
      Reflect.set(first.message.headers, "x-note", "changed");
      Reflect.set(first.message.attributes, "subject", "changed");
      await scope.wait("retry", retry(first, 0));
      scope.claimSame(await intake.next(), sent);
    },
  },
  {
    title: "19. two deliveries that are given back come again, then all have arrived",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const batch = outgoingRun(channel, 5);
      await scope.confirm(transport, batch);
      const deliveries = await intake.take(batch.length);
      const [released, retried, ...rest] = deliveries;
      claim(released && retried, "five deliveries");
      await scope.wait("release", released.settle({ kind: "release" }));
      await scope.wait("retry", retry(retried, 0));
      for (const one of rest) await scope.wait("ack", one.settle({ kind: "ack" }));
      const again = await intake.take(2);
      const expected = [idOf(released.message), idOf(retried.message)];
      claimArrived(again, expected, "any-order", "the two that were given back");
      for (const one of again) {
        claimEqual(one.redelivered, true, "redelivered of what was given back");
        claimEqual(
          one.attempt,
          idOf(one.message) === idOf(retried.message) ? 2 : 1,
          "only a retry counts: attempt",
        );
      }
    },
  },
  {
    title: "a retry comes again to its own group only",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const retrying = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const other = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const sent = outgoing(channel);
      await scope.confirm(transport, [sent]);
      await scope.wait("retry", retry(await retrying.next(), 0));
      await scope.wait("ack", (await retrying.next()).settle({ kind: "ack" }));
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await other.takeUntil(sentinel),
        [idOf(sent), sentinel],
        "any-order",
        "what the other group sees",
      );
    },
  },
];
