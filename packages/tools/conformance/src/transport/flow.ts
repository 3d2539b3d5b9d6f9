import type { Delivery } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import type { Intake } from "./intake.ts";
import { idOf, idsOf, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

/** How many deliveries are handed out and not settled, now and at the most. */
function createHeld() {
  const held: Delivery[] = [];
  let most = 0;
  return {
    held,
    most: () => most,
    onArrival: (delivery: Delivery): void => {
      held.push(delivery);
      most = Math.max(most, held.length);
    },
    settleOne: async (scope: TransportScope): Promise<void> => {
      const oldest = held.shift();
      claim(oldest, "nothing is held");
      await scope.wait("ack", oldest.settle({ kind: "ack" }));
    },
  };
}

export const flowCases: readonly TransportCase[] = [
  {
    title: "37. a subscription never has more unsettled deliveries handed out than this",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const { held, most, onArrival, settleOne } = createHeld();
      const request = { group: scope.group(), channels: [channel], maxInFlight: 5, onArrival };
      const intake = await scope.subscribe(transport, request);
      const batch = outgoingRun(channel, 40);
      await publishBesideWitness(scope, transport, channel, batch);
      for (let settled = 0; settled < batch.length; settled += 1) {
        const reach = Math.min(5, batch.length - settled);
        await scope.until(`${reach} unsettled deliveries after ${settled} acks`, () => held.length >= reach);
        await settleOne(scope);
      }
      claimEqual(most(), 5, "deliveries handed out and not settled, at the most");
      claimArrived(intake.all, idsOf(batch), "any-order", "all messages, five at a time");
    },
  },
  {
    title: "38. setMaxInFlight raises and lowers the bound of a running subscription",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const { held, onArrival, settleOne } = createHeld();
      const request = { group: scope.group(), channels: [channel], maxInFlight: 2, onArrival };
      const intake = await scope.subscribe(transport, request);
      await publishBesideWitness(scope, transport, channel, outgoingRun(channel, 30));
      await scope.until("two unsettled deliveries", () => held.length >= 2);
      claimEqual(held.length, 2, "unsettled deliveries under a bound of 2");
      intake.subscription.setMaxInFlight(6);
      await scope.until("six unsettled deliveries", () => held.length >= 6);
      intake.subscription.setMaxInFlight(1);
      for (let settled = 0; settled < 6; settled += 1) await settleOne(scope);
      let most = 0;
      for (let round = 0; round < 4; round += 1) {
        await scope.until("the next delivery", () => held.length > 0);
        await publishWitness(scope, transport, channel);
        most = Math.max(most, held.length);
        await settleOne(scope);
      }
      claimEqual(most, 1, "unsettled deliveries after the bound was lowered to 1");
    },
  },
  {
    title: "40. pause ends intake without leaving the group; resume goes on where it stopped",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const before = outgoingRun(channel, 3);
      await scope.confirm(transport, before);
      claimArrived(await intake.take(3), idsOf(before), "any-order", "before pause");
      intake.subscription.pause();
      const during = outgoingRun(channel, 5);
      await publishBesideWitness(scope, transport, channel, during);
      claimEqual(intake.all.length, 3, "deliveries while paused: messages handed over in all");
      intake.subscription.resume();
      claimArrived(await intake.take(5), idsOf(during), "any-order", "what came while paused");
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "after resume nothing comes twice, only",
      );
    },
  },
  {
    title: "46. after stop nothing new is handed over, and what is under way can still be settled",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group, channels: [channel] });
      const [first] = outgoingRun(channel, 1);
      claim(first, "a message");
      await scope.confirm(transport, [first]);
      const delivery = await intake.next();
      await scope.wait("stop", intake.subscription.stop());
      await publishWitness(scope, transport, channel);
      claimEqual(intake.all.length, 1, "deliveries after stop: messages handed over in all");
      claimEqual(delivery.signal.aborted, false, "stop takes nothing back: signal aborted");
      await scope.wait("ack after stop", delivery.settle({ kind: "ack" }));
      await scope.close(transport);
      const fresh = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      const rest = await fresh.next();
      claim(idOf(rest.message) !== idOf(first), "what was acknowledged after stop came again");
    },
  },
];

/** Publishes, and waits until another group has everything: by then it could have come here as well. */
async function publishBesideWitness(
  scope: TransportScope,
  transport: Parameters<TransportScope["confirm"]>[0],
  channel: string,
  batch: ReturnType<typeof outgoingRun>,
): Promise<void> {
  const witness = await openWitness(scope, transport, channel);
  await scope.confirm(transport, batch);
  await witness.take(batch.length);
}

async function publishWitness(
  scope: TransportScope,
  transport: Parameters<TransportScope["confirm"]>[0],
  channel: string,
): Promise<void> {
  const witness = await openWitness(scope, transport, channel);
  await witness.takeUntil(await scope.sentinel(transport, channel));
}

const openWitness = (
  scope: TransportScope,
  transport: Parameters<TransportScope["subscribe"]>[0],
  channel: string,
): Promise<Intake> =>
  scope.subscribe(transport, { group: scope.group(), channels: [channel], onArrival: ack });
