import type { Delivery } from "@postrider/core";
import { claimEqual } from "../case/claim.ts";
import { ack, claimArrived, retry } from "./intake.ts";
import type { Intake } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const consumerGoneCases: readonly TransportCase[] = [
  {
    title: "close returns every unsettled delivery to the broker, not counted as an attempt of the handler",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transport = await scope.connect();
      const first = await scope.subscribe(transport, { group, channels: [channel], maxInFlight: 3 });
      const batch = outgoingRun(channel, 8);
      await scope.confirm(transport, batch);
      const held = await first.take(3);
      await scope.wait("a subscription with three unsettled deliveries to close", first.subscription.close());
      for (const one of held) {
        claimEqual(one.signal.aborted, true, "close takes the delivery back: signal aborted");
        await scope.wait("ack after close", one.settle({ kind: "ack" }));
      }
      const second = await scope.subscribe(transport, { group, channels: [channel] });
      const again = await second.take(batch.length);
      claimArrived(again, idsOf(batch), "any-order", "returned and prefetched messages, each once");
      claimEqual(new Set(again.map((one) => one.attempt)), new Set([1]), "attempts after close");
    },
  },
  {
    title: "20. three consumers give back what they hold of 300 and leave; a fresh one gets all",
    patience: 2,
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transports = [await scope.connect(), await scope.connect(), await scope.connect()] as const;
      const intakes: Intake[] = [];
      for (const one of transports)
        intakes.push(await scope.subscribe(one, { group, channels: [channel], maxInFlight: 100 }));
      const batch = outgoingRun(channel, 300);
      await scope.confirm(transports[0], batch);
      const heldBy = (): number => intakes.reduce((sum, one) => sum + one.all.length, 0);
      await scope.until("100 deliveries over three consumers", () => heldBy() >= 100);
      for (const [index, intake] of intakes.entries()) {
        await scope.wait("stop", intake.subscription.stop());
        const giveBack = (one: Delivery): Promise<void> =>
          index === 0 ? retry(one, 0) : one.settle({ kind: "release" });
        await scope.wait("deliveries to be given back", Promise.all([...intake.all].map(giveBack)));
      }
      for (const one of transports) await scope.close(one);
      const fresh = await scope.subscribe(await scope.connect(), {
        group,
        channels: [channel],
        onArrival: ack,
        maxInFlight: 400,
      });
      claimArrived(await fresh.take(batch.length), idsOf(batch), "any-order", "what the fresh consumer gets");
    },
  },
  {
    title: "21. a crash between hand-over and settle delivers again, flagged as redelivered",
    runs: "alone",
    lacks: (harness) => (harness.crash === undefined ? "the harness gives no crash" : undefined),
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const dying = await scope.connect();
      const held = await scope.subscribe(dying, { group, channels: [channel] });
      const sent = outgoing(channel);
      await scope.confirm(dying, [sent]);
      await held.next();
      await scope.roundTrip(dying);
      await scope.end(dying);
      const intake = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      const again = await intake.next();
      scope.claimSame(again, sent);
      claimEqual(again.redelivered, true, "redelivered after a crash");
      const { deliveryCount } = scope.capabilities;
      claimEqual(
        again.attempt,
        deliveryCount ? 2 : 1,
        `attempt after a crash, deliveryCount being ${deliveryCount}`,
      );
    },
  },
  {
    title: "22. the attempt of a retry survives the end of the consumer that asked for it",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const first = await scope.connect();
      const intake = await scope.subscribe(first, { group, channels: [channel] });
      const sent = outgoing(channel);
      await scope.confirm(first, [sent]);
      await scope.wait("retry", retry(await intake.next(), 0));
      const second = await intake.next();
      claimEqual(second.attempt, 2, "attempt after one retry");
      await scope.wait("retry", retry(second, 0));
      await scope.close(first);
      const fresh = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      const third = await fresh.next();
      claimEqual(
        [idOf(third.message), third.attempt],
        [idOf(sent), 3],
        "message and attempt at a fresh consumer",
      );
    },
  },
  {
    title: "27. a delivery held for longer than its lease is not delivered to another",
    lacks: (harness) =>
      !harness.capabilities.leaseExtension
        ? "the transport holds no leases (leaseExtension is false)"
        : harness.limits?.leaseMs === undefined
          ? "the harness gives no limits.leaseMs"
          : undefined,
    patience: 3,
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const holder = await scope.connect();
      const held = await scope.subscribe(holder, { group, channels: [channel], maxInFlight: 1 });
      await scope.confirm(holder, [outgoing(channel)]);
      const delivery = await held.next();
      const other = await scope.subscribe(await scope.connect(), {
        group,
        channels: [channel],
        onArrival: ack,
      });
      const untilMs = performance.now() + 3 * (scope.harness.limits?.leaseMs ?? 0);
      const sentinels: string[] = [];
      while (performance.now() < untilMs) {
        const sentinel = await scope.sentinel(holder, channel);
        sentinels.push(sentinel);
        await other.takeUntil(sentinel);
      }
      claimArrived(
        other.all,
        sentinels,
        "any-order",
        "while a delivery is held another consumer gets only new messages",
      );
      claimEqual(delivery.signal.aborted, false, "the delivery is still ours: signal aborted");
    },
  },
];
