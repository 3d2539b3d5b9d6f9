import type { Delivery, Transport } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import type { Intake } from "./intake.ts";
import { idOf, idsOf, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

export const parallelCases: readonly TransportCase[] = [
  {
    title: "6. 20 channels in parallel are complete",
    patience: 2,
    body: async (scope) => {
      const transport = await scope.connect();
      const one = async (): Promise<void> => {
        const channel = await scope.channel();
        const intake = await scope.subscribe(transport, {
          group: scope.group(),
          channels: [channel],
          onArrival: ack,
        });
        const batch = outgoingRun(channel, 20);
        await scope.confirm(transport, batch);
        claimArrived(await intake.take(batch.length), idsOf(batch), "any-order", `messages of ${channel}`);
      };
      await Promise.all(Array.from({ length: 20 }, one));
    },
  },
  {
    title:
      "10. 50 publishers and 50 competing consumers move 5,000 messages, none lost, none handed out twice",
    patience: 6,
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const members = Math.max(3, Math.round(50 * scope.load));
      const perPublisher = Math.max(10, Math.round((5_000 * scope.load) / members));
      const seen: string[] = [];
      const onArrival = (delivery: Delivery): Promise<void> => {
        seen.push(idOf(delivery.message));
        return delivery.settle({ kind: "ack" });
      };
      for (let member = 0; member < members; member += 1) {
        await scope.subscribe(await scope.connect(), { group, channels: [channel], onArrival });
      }
      const publisher = await scope.connect();
      const batches = Array.from({ length: members }, () => outgoingRun(channel, perPublisher));
      await Promise.all(batches.map((batch) => scope.confirm(publisher, batch)));
      const last = await scope.sentinel(publisher, channel);
      const expected = [...idsOf(batches.flat()), last];
      await scope.until(
        `${expected.length} messages`,
        () => seen.length >= expected.length && seen.includes(last),
      );
      claimEqual(seen.sort(), expected.sort(), "messages over all members, each once");
    },
  },
  {
    title: "16. two brokers in one process do not cross",
    lacks: (harness) =>
      harness.createElsewhere === undefined ? "the harness gives no createElsewhere" : undefined,
    body: async (scope) => {
      const channel = await scope.channel();
      const here = await scope.connect();
      const there = await scope.wait("a transport elsewhere", createElsewhere(scope));
      scope.defer("closing a transport elsewhere", () => there.close());
      await scope.wait("connect", there.connect());
      const listen = (transport: Transport): Promise<Intake> =>
        scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const [heardHere, heardThere] = [await listen(here), await listen(there)];
      const [sentHere, sentThere] = [outgoingRun(channel, 3), outgoingRun(channel, 3)];
      await scope.confirm(here, sentHere);
      await scope.confirm(there, sentThere);
      const [lastHere, lastThere] = [
        await scope.sentinel(here, channel),
        await scope.sentinel(there, channel),
      ];
      claimArrived(
        await heardHere.takeUntil(lastHere),
        [...idsOf(sentHere), lastHere],
        "any-order",
        "at the one broker",
      );
      claimArrived(
        await heardThere.takeUntil(lastThere),
        [...idsOf(sentThere), lastThere],
        "any-order",
        "at the other",
      );
    },
  },
];

function createElsewhere(
  scope: TransportScope,
): ReturnType<NonNullable<typeof scope.harness.createElsewhere>> {
  claim(scope.harness.createElsewhere, "createElsewhere");
  return scope.harness.createElsewhere();
}
