import { claimEqual } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import { idsOf, outgoing, outgoingRun } from "./message.ts";
import { snapshotOfProcess } from "./resources.ts";
import type { TransportCase } from "./scope.ts";

export const closeCases: readonly TransportCase[] = [
  {
    title: "closing twice is safe",
    body: async (scope) => {
      const transport = await scope.connect();
      await scope.wait("two closes at once", Promise.all([transport.close(), transport.close()]));
      await scope.close(transport);
      claimEqual(transport.state(), "closed", "state after close");
    },
  },
  {
    title: "45. close before connect is safe",
    body: async (scope) => {
      const transport = await scope.create();
      await scope.close(transport);
      await scope.wait("connect after close", transport.connect());
      claimEqual(transport.state(), "ready", "state after connect");
    },
  },
  {
    title: "45. connect after close opens it again",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transport = await scope.connect();
      const before = await scope.subscribe(transport, { group, channels: [channel], onArrival: ack });
      await scope.sentinel(transport, channel);
      await before.take(1);
      await scope.close(transport);
      await scope.wait("connect after close", transport.connect());
      claimEqual(transport.state(), "ready", "state after connect");
      const intake = await scope.subscribe(transport, { group, channels: [channel], onArrival: ack });
      const batch = outgoingRun(channel, 3);
      await scope.confirm(transport, batch);
      claimArrived(await intake.take(3), idsOf(batch), "any-order", "messages after the second connect");
    },
  },
  {
    title: "45. ten concurrent opens and closes leave no broken state",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.create();
      const turns = Array.from({ length: 10 }, (_, turn) =>
        turn % 2 === 0 ? transport.connect() : transport.close(),
      );
      // Which of them win is open; that all of them end, and that the transport works afterwards, is not.
      await scope.wait("ten opens and closes", Promise.allSettled(turns));
      await scope.close(transport);
      await scope.wait("connect", transport.connect());
      await scope.confirm(transport, [outgoing(channel)]);
    },
  },
  {
    title: "56. close leaves no timer, socket or listener behind",
    runs: "alone",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const before = snapshotOfProcess();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group, channels: [channel], maxInFlight: 2 });
      await scope.confirm(transport, outgoingRun(channel, 5));
      await intake.take(2);
      await scope.close(transport);
      await scope.until(`nothing to be left by close (${before.sayMore()})`, () => before.sayMore() === "");
    },
  },
  {
    title: "48. messages that were fetched but not handed over return to the broker at close",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group, channels: [channel], maxInFlight: 1 });
      const batch = outgoingRun(channel, 20);
      await scope.confirm(transport, batch);
      await intake.take(1);
      await scope.close(transport);
      const fresh = await scope.subscribe(await scope.connect(), {
        group,
        channels: [channel],
        onArrival: ack,
      });
      claimArrived(await fresh.take(batch.length), idsOf(batch), "any-order", "what a fresh consumer gets");
    },
  },
  {
    title:
      "47. close with unsettled deliveries ends in time, aborts their signals, and settling them later is a no-op",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group, channels: [channel] });
      const batch = outgoingRun(channel, 3);
      await scope.confirm(transport, batch);
      const held = await intake.take(3);
      await scope.close(transport);
      for (const delivery of held) {
        claimEqual(delivery.signal.aborted, true, "signal of an unsettled delivery after close: aborted");
        await scope.wait("ack after close", delivery.settle({ kind: "ack" }));
      }
      const fresh = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      const again = await fresh.take(3);
      claimArrived(again, idsOf(batch), "any-order", "returned, neither acknowledged nor dead-lettered");
      claimEqual(intake.all.length, 3, "deliveries handed over after close");
    },
  },
];
