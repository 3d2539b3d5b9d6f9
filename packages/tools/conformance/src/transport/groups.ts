import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const groupCases: readonly TransportCase[] = [
  {
    title: "13. a group bound before its first consumer keeps the messages published in between",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      await scope.bind(group, [channel]);
      const transport = await scope.connect();
      const batch = outgoingRun(channel, 10);
      await scope.confirm(transport, batch);
      const intake = await scope.subscribe(transport, { group, channels: [channel], onArrival: ack });
      claimArrived(
        await intake.take(batch.length),
        idsOf(batch),
        "any-order",
        "what was published in between",
      );
    },
  },
  {
    title: "12. two groups each get every message; members of one group share them",
    body: async (scope) => {
      const channel = await scope.channel();
      const [pair, single] = [scope.group(), scope.group()];
      const publisher = await scope.connect();
      const one = await scope.subscribe(await scope.connect(), {
        group: pair,
        channels: [channel],
        onArrival: ack,
      });
      const two = await scope.subscribe(await scope.connect(), {
        group: pair,
        channels: [channel],
        onArrival: ack,
      });
      const all = await scope.subscribe(publisher, { group: single, channels: [channel], onArrival: ack });
      const batch = outgoingRun(channel, 60);
      await scope.confirm(publisher, batch);
      claimArrived(await all.take(batch.length), idsOf(batch), "any-order", "the group of one member");
      await scope.until(
        "60 messages over the two members",
        () => one.all.length + two.all.length >= batch.length,
      );
      const sentinel = await scope.sentinel(publisher, channel);
      await scope.until("the sentinel at one of the two members", () =>
        [...one.all, ...two.all].some((delivery) => idOf(delivery.message) === sentinel),
      );
      const shared = [...one.all, ...two.all].filter((delivery) => idOf(delivery.message) !== sentinel);
      claimArrived(
        shared,
        idsOf(batch),
        "any-order",
        "the group of two members, each message at one of them",
      );
    },
  },
  {
    title:
      "14. a subscription of the same group by the same transport twice fails with USAGE_ALREADY_SUBSCRIBED",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel] };
      const intake = await scope.subscribe(transport, request);
      await claimRejects(
        scope.subscribe(transport, request),
        ["USAGE_ALREADY_SUBSCRIBED"],
        "the same group twice",
      );
      const sent = outgoing(channel);
      await scope.confirm(transport, [sent]);
      const delivery = await intake.next();
      claimEqual(idOf(delivery.message), idOf(sent), "the first subscription goes on: message");
      await scope.wait("ack", delivery.settle({ kind: "ack" }));
      await scope.wait("a subscription to close", intake.subscription.close());
      const again = await scope.subscribe(transport, request);
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(await again.takeUntil(sentinel), [sentinel], "in-order", "subscribed again after close");
    },
  },
  {
    title: "with members: each, every member of a group gets every message",
    lacks: (harness) =>
      harness.capabilities.fanOut ? undefined : "members cannot each get all (fanOut is false)",
    body: async (scope) => {
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel], members: "each", onArrival: ack } as const;
      const one = await scope.subscribe(await scope.connect(), request);
      const two = await scope.subscribe(await scope.connect(), request);
      const batch = outgoingRun(channel, 10);
      await scope.confirm(await scope.connect(), batch);
      claimArrived(await one.take(batch.length), idsOf(batch), "any-order", "one member");
      claimArrived(await two.take(batch.length), idsOf(batch), "any-order", "the other member");
    },
  },
  {
    title: "with members: each, a transport without fan-out refuses",
    lacks: (harness) =>
      harness.capabilities.fanOut ? "members can each get all (fanOut is true)" : undefined,
    body: async (scope) => {
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel], members: "each" } as const;
      const transport = await scope.connect();
      const error = await claimRejects(
        scope.subscribe(transport, request),
        ["CONFIG_CAPABILITY_MISSING"],
        "members: each",
      );
      claim(!error.retryable, "a missing capability does not come by trying again: retryable must be false");
    },
  },
];
