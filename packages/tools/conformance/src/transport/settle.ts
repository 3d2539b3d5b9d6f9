import type { Settlement } from "@postrider/core";
import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import { deliverOne } from "./deliver-one.ts";
import { claimArrived, retry } from "./intake.ts";
import { idOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const settleCases: readonly TransportCase[] = [
  {
    title: "17. a delivery is not acknowledged before it is settled: unsettled, it comes again",
    runs: "alone",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const first = await scope.connect();
      const held = await scope.subscribe(first, { group, channels: [channel] });
      const sent = outgoing(channel);
      await scope.confirm(first, [sent]);
      await held.next();
      await scope.roundTrip(first);
      await scope.end(first);
      const intake = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      claimArrived([await intake.next()], [idOf(sent)], "in-order", "what nobody settled");
    },
  },
  {
    title: "an acknowledged delivery does not come again",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const first = await scope.connect();
      const intake = await scope.subscribe(first, { group, channels: [channel] });
      await scope.confirm(first, outgoingRun(channel, 5));
      for (const delivery of await intake.take(5)) await scope.wait("ack", delivery.settle({ kind: "ack" }));
      await scope.close(first);
      const second = await scope.connect();
      const again = await scope.subscribe(second, { group, channels: [channel] });
      const sentinel = await scope.sentinel(second, channel);
      claimArrived(
        await again.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "what comes after five acknowledged messages",
      );
    },
  },
  {
    title: "26. settling twice the same way is a no-op",
    body: async (scope) => {
      const { delivery, intake, channel, transport } = await deliverOne(scope);
      await scope.wait("ack", delivery.settle({ kind: "ack" }));
      await scope.wait("the second ack", delivery.settle({ kind: "ack" }));
      const sentinel = await scope.sentinel(transport, channel);
      const released = await scope.wait(`message ${sentinel}`, intake.next());
      claimEqual(idOf(released.message), sentinel, "what comes after an ack given twice");
      await scope.wait("release", released.settle({ kind: "release" }));
      await scope.wait("the second release", released.settle({ kind: "release" }));
      const again = await intake.next();
      claimEqual(idOf(again.message), sentinel, "what comes after a release");
      const last = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(last),
        [last],
        "in-order",
        "a release given twice brings one delivery; after it",
      );
    },
  },
  {
    title: "26. settling again in another way fails with USAGE_ALREADY_SETTLED",
    body: async (scope) => {
      const { delivery, intake, channel, transport } = await deliverOne(scope);
      await scope.wait("ack", delivery.settle({ kind: "ack" }));
      const others: readonly Settlement[] = [
        { kind: "release" },
        { kind: "retry", delayMs: 0, attempt: 1 },
        { kind: "dead-letter", letter: outgoing(channel) },
      ];
      for (const other of others) {
        await scope.wait(
          `${other.kind} after ack to be refused`,
          claimRejects(delivery.settle(other), ["USAGE_ALREADY_SETTLED"], `${other.kind} after ack`),
        );
      }
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "the first settlement holds; after it",
      );
    },
  },
  {
    title: "settling after the connection generation is gone is a no-op: the message comes again",
    runs: "alone",
    body: async (scope) => {
      const { delivery, transport, channel, group, sent } = await deliverOne(scope);
      await scope.roundTrip(transport);
      await (scope.harness.cutConnection?.(transport) ?? scope.end(transport));
      await scope.until("the signal of a delivery whose connection is gone", () => delivery.signal.aborted);
      await scope.wait("ack of a delivery whose connection is gone", delivery.settle({ kind: "ack" }));
      await scope.close(transport);
      const intake = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      claimArrived([await intake.next()], [idOf(sent)], "in-order", "what was acknowledged too late");
    },
  },
  {
    title: "86. a retry with a delay does not come before its time",
    body: async (scope) => {
      const { delivery, intake, sent } = await deliverOne(scope);
      const delayMs = 150;
      const askedMs = performance.now();
      await scope.wait("retry", retry(delivery, delayMs));
      const again = await intake.next();
      claimEqual(idOf(again.message), idOf(sent), "what comes after the delay");
      const waitedMs = performance.now() - askedMs;
      // Timers may fire a millisecond early, and clocks are rounded.
      claim(waitedMs >= delayMs - 2, `a retry in ${delayMs} ms came after ${waitedMs.toFixed(1)} ms`);
    },
  },
];
