import type { Delivery } from "@postrider/core";
import { claimEqual, claimRejects } from "../case/claim.ts";
import type { TransportHarness } from "../harness.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

const lacksOrder = (harness: TransportHarness): string | undefined =>
  harness.capabilities.orderingScope === "none"
    ? "the transport keeps no order (orderingScope is none)"
    : undefined;

const lacksGroupOrder = (harness: TransportHarness): string | undefined =>
  harness.capabilities.orderingScope === "group"
    ? undefined
    : `order over the members of a group is not promised (orderingScope is ${harness.capabilities.orderingScope})`;

const lacksProcessOrder = (harness: TransportHarness): string | undefined =>
  harness.capabilities.orderingScope === "process"
    ? undefined
    : `a second ordered member is not to be refused (orderingScope is ${harness.capabilities.orderingScope})`;

export const orderCases: readonly TransportCase[] = [
  {
    title: "33. one consumer gets the messages of one key in the order published",
    lacks: lacksOrder,
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel], ordering: "key", onArrival: ack } as const;
      const intake = await scope.subscribe(transport, request);
      const run = outgoingRun(channel, 100, { key: "one" });
      await publishInPieces(scope, transport, run);
      claimArrived(await intake.take(run.length), idsOf(run), "in-order", "messages of one key");
    },
  },
  {
    title: "34. 16 keys over 10 members of a group: each key in the order published",
    lacks: lacksGroupOrder,
    patience: 3,
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const arrived: Delivery[] = [];
      const onArrival = (delivery: Delivery): Promise<void> => {
        arrived.push(delivery);
        return delivery.settle({ kind: "ack" });
      };
      for (let member = 0; member < 10; member += 1) {
        await scope.subscribe(await scope.connect(), {
          group,
          channels: [channel],
          ordering: "key",
          onArrival,
        });
      }
      const publisher = await scope.connect();
      const runs = Array.from({ length: 16 }, (_, index) =>
        outgoingRun(channel, 25, { key: `key-${index}` }),
      );
      await Promise.all(runs.map((run) => publishInPieces(scope, publisher, run)));
      await scope.until("400 messages over 10 members", () => arrived.length >= 400);
      const placeOf = new Map(arrived.map((one, index) => [idOf(one.message), index]));
      claimEqual(placeOf.size, 400, "different messages among 400 deliveries");
      for (const [index, run] of runs.entries()) {
        const byArrival = idsOf(run).toSorted((a, b) => (placeOf.get(a) ?? 0) - (placeOf.get(b) ?? 0));
        claimEqual(byArrival, idsOf(run), `messages of key-${index} in order`);
      }
    },
  },
  {
    title: "a second member of an ordered group is refused where order holds in one process only",
    lacks: lacksProcessOrder,
    body: async (scope) => {
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel], ordering: "key" } as const;
      await scope.subscribe(await scope.connect(), request);
      const second = await scope.connect();
      await claimRejects(
        scope.subscribe(second, request),
        ["CONFIG_CAPABILITY_MISSING"],
        "a second member of an ordered group",
      );
    },
  },
  {
    title: "36. messages of one key that are given back come again before later ones of that key",
    lacks: lacksOrder,
    body: async (scope) => {
      const channel = await scope.channel();
      const request = { group: scope.group(), channels: [channel], ordering: "key" } as const;
      const first = await scope.connect();
      const holding = await scope.subscribe(first, request);
      const run = outgoingRun(channel, 6, { key: "held" });
      await publishInPieces(scope, first, run);
      claimEqual(idOf((await holding.next()).message), idsOf(run)[0], "the first message of the key");
      await scope.close(first);
      const intake = await scope.subscribe(await scope.connect(), { ...request, onArrival: ack });
      claimArrived(await intake.take(run.length), idsOf(run), "in-order", "the key after its consumer left");
    },
  },
  {
    title: "35. a message that is not settled holds up no other key",
    lacks: lacksOrder,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        ordering: "key",
      });
      const held = outgoing(channel, { key: "held" });
      await scope.confirm(transport, [held]);
      claimEqual(idOf((await intake.next()).message), idOf(held), "the message that is held");
      const others = ["a", "b", "c"].map((key) => outgoing(channel, { key }));
      await scope.confirm(transport, others);
      claimArrived(
        await intake.take(others.length),
        idsOf(others),
        "any-order",
        "messages of the other keys",
      );
    },
  },
];

/** In pieces, each after the confirmation of the one before, so that the order published is beyond doubt. */
async function publishInPieces(
  scope: TransportScope,
  transport: Parameters<TransportScope["publishRun"]>[0],
  run: readonly ReturnType<typeof outgoing>[],
): Promise<void> {
  const pieceSize = Math.ceil(run.length / 5);
  for (let from = 0; from < run.length; from += pieceSize) {
    const piece = run.slice(from, from + pieceSize);
    const outcomes = await scope.publishRun(transport, piece);
    claimEqual(new Set(outcomes.map((one) => one.status)), new Set(["confirmed"]), "outcomes of a run");
  }
}
