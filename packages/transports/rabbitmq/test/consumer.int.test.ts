import type { Delivery } from "@postrider/core";
import type { ChannelModel } from "amqplib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RabbitmqTransport } from "../src/index.ts";
import { createBroker, type Proxied, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { idOf, subscribe } from "./support/subscribe.ts";

const bounds = { deadlineMs: 10_000 };

describe("consuming from RabbitMQ", () => {
  let broker: TestBroker;
  let raw: ChannelModel;
  beforeAll(async () => {
    broker = await createBroker();
    raw = await broker.raw();
  });
  afterAll(() => broker.remove());

  const connected = async (options: Parameters<TestBroker["transport"]>[0] = {}): Promise<Proxied> => {
    const both = await broker.transport(options);
    await both.transport.connect();
    return both;
  };
  const publish = async (
    transport: RabbitmqTransport,
    channel: string,
    ids: readonly string[],
    key?: string,
  ) => {
    const batch = ids.map((id) => outgoing(channel, { id, key }));
    const outcomes = await transport.publisher.publish(batch, bounds);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["confirmed"]));
  };
  const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `m${index + from}`);

  test("a queue that is deleted under its consumer is made again, told as a fault, and consumed", async () => {
    const { transport } = await connected();
    const { deliveries, faults } = await subscribe(transport, { group: "deleted", channels: ["deleted"] });
    const admin = await raw.createChannel();
    await admin.deleteQueue("deleted");
    await expect.poll(() => faults.map(({ code }) => code)).toEqual(["TRANSPORT_SUBSCRIPTION_LOST"]);
    await expect
      .poll(async () => (await admin.checkQueue("deleted")).consumerCount, { timeout: 10_000 })
      .toBe(1);
    await publish(transport, "deleted", ["after"]);
    await expect.poll(() => deliveries.map(idOf)).toEqual(["after"]);
    await admin.close();
  });

  test("acknowledgements behind a gap reach the broker: one message that is held stops no other", async () => {
    const { transport } = await connected();
    const { deliveries } = await subscribe(transport, {
      group: "gaps",
      channels: ["gaps"],
      maxInFlight: 10,
      receive: (delivery) => void (idOf(delivery) === "m0" || delivery.settle({ kind: "ack" })),
    });
    // Ten times what may be fetched at once.
    await publish(transport, "gaps", ids(200));
    await expect.poll(() => deliveries.length, { timeout: 10_000 }).toBe(200);
  });

  test("21. attempts of a retry and of crashes add up", async () => {
    const first = await connected();
    const { deliveries } = await subscribe(first.transport, {
      group: "attempts",
      channels: ["attempts"],
      receive: () => undefined,
    });
    await publish(first.transport, "attempts", ["one"]);
    await expect.poll(() => deliveries.length).toBe(1);
    await deliveries[0]?.settle({ kind: "retry", delayMs: 0, attempt: 1 });
    await expect.poll(() => deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
    await expect
      .poll(async () => (await broker.queue("attempts"))?.["messages"], { timeout: 10_000 })
      .toBe(1);
    first.proxy.shut();
    const second = await connected();
    const again = await subscribe(second.transport, { group: "attempts", channels: ["attempts"] });
    await expect.poll(() => again.deliveries.map(({ attempt }) => attempt)).toEqual([3]);
  });

  test("86. a retry comes not before its delay and at most 28 % and a little after it, also behind a longer one", async () => {
    const { transport } = await connected();
    const cameMs = new Map<string, number[]>();
    const delays: Readonly<Record<string, number>> = { long: 2_000, short: 200 };
    await subscribe(transport, {
      group: "delays",
      channels: ["delays"],
      receive: (delivery) => {
        const times = cameMs.get(idOf(delivery)) ?? [];
        cameMs.set(idOf(delivery), [...times, performance.now()]);
        void delivery.settle(
          times.length === 0
            ? { kind: "retry", delayMs: delays[idOf(delivery)] ?? 0, attempt: 1 }
            : { kind: "ack" },
        );
      },
    });
    await publish(transport, "delays", ["long", "short"]);
    await expect.poll(() => [...cameMs.values()].flat().length, { timeout: 10_000 }).toBe(4);
    for (const [id, [first = 0, second = 0]] of cameMs) {
      const delayMs = delays[id] ?? 0;
      expect(second - first).toBeGreaterThanOrEqual(delayMs - 2);
      expect(second - first).toBeLessThan(delayMs * 1.28 + 500);
    }
  });

  /** One delivery in hand, and the queue of the dead letters of its group deleted. */
  const withoutDeadLetters = async (transport: RabbitmqTransport, group: string) => {
    const { deliveries } = await subscribe(transport, { group, channels: [group], receive: () => undefined });
    await publish(transport, group, ["m"]);
    await expect.poll(() => deliveries.length).toBe(1);
    const admin = await raw.createChannel();
    await admin.deleteQueue(`${group}:dead`);
    return { deliveries, admin };
  };

  test("77. a dead letter whose queue was deleted is written to a new one", async () => {
    const { transport } = await connected();
    const { deliveries, admin } = await withoutDeadLetters(transport, "letters");
    await deliveries[0]?.settle({ kind: "dead-letter", letter: outgoing("letters", { id: "letter" }) });
    const found = await admin.get("letters:dead", { noAck: true });
    expect(found === false ? "nothing" : found.properties.messageId).toBe("letter");
    await admin.close();
  });

  test("77. where the queue of the dead letters may not be made, settle rejects and the original stays", async () => {
    const declaring = await connected();
    await (
      await subscribe(declaring.transport, { group: "stays", channels: ["stays"] })
    ).subscription.close();
    const { transport } = await connected({ topology: "check" });
    const { deliveries, admin } = await withoutDeadLetters(transport, "stays");
    await admin.close();
    await expect(
      deliveries[0]?.settle({ kind: "dead-letter", letter: outgoing("stays") }),
    ).rejects.toMatchObject({ code: "TRANSPORT_CHANNEL_MISSING" });
    expect(deliveries[0]?.signal.aborted).toBe(false);
    await deliveries[0]?.settle({ kind: "release" });
    await expect.poll(() => deliveries.map(idOf)).toEqual(["m", "m"]);
  });

  test("36. what is released in an ordered group comes again in its order, uncounted", async () => {
    const { transport } = await connected();
    const order: string[] = [];
    const held: Delivery[] = [];
    await subscribe(transport, {
      group: "released",
      channels: ["released"],
      ordering: "key",
      maxInFlight: 2,
      receive: (delivery) => {
        held.push(delivery);
        if (held.length > 2) {
          order.push(`${idOf(delivery)} ${delivery.attempt} ${delivery.redelivered}`);
          void delivery.settle({ kind: "ack" });
        }
      },
    });
    await publish(transport, "released", ids(5), "key");
    await expect.poll(() => held.length).toBe(2);
    await Promise.all(held.slice(0, 2).map((delivery) => delivery.settle({ kind: "release" })));
    await expect
      .poll(() => order)
      .toEqual(["m0 1 true", "m1 1 true", "m2 1 false", "m3 1 false", "m4 1 false"]);
  });

  test("a retry of one member that gets all comes to that member only, with a delay and without", async () => {
    const one = await connected();
    const two = await connected();
    const request = { group: "each", channels: ["each"], members: "each" } as const;
    const other = await subscribe(two.transport, request);
    const mine = await subscribe(one.transport, {
      ...request,
      receive: (delivery) =>
        void delivery.settle(
          delivery.attempt < 3
            ? { kind: "retry", delayMs: delivery.attempt === 1 ? 0 : 100, attempt: delivery.attempt }
            : { kind: "ack" },
        ),
    });
    await publish(one.transport, "each", ["m"]);
    await expect.poll(() => mine.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(other.deliveries.map(({ attempt }) => attempt)).toEqual([1]);
  });

  test("types filter at the broker where they are given", async () => {
    const { transport } = await connected({ unroutable: "drop" });
    for (const ordering of ["none", "key"] as const) {
      const seen: string[] = [];
      await transport.consumer.subscribe(
        {
          group: `types-${ordering}`,
          channels: [{ channel: "types", types: ["com.example.a.v1"] }],
          ordering,
          members: "share",
          startAt: "new",
          maxInFlight: 10,
          onFault: () => undefined,
        },
        (delivery) => {
          seen.push(delivery.message.attributes["type"] ?? "");
          void delivery.settle({ kind: "ack" });
        },
      );
      const batch = ["com.example.b.v1", "com.example.a.v1"].map((type) =>
        outgoing("types", { type, shard: 7 }),
      );
      await transport.publisher.publish(batch, bounds);
      await expect.poll(() => seen).toEqual(["com.example.a.v1"]);
    }
  });

  test("a prefix stands before every name, and is not part of the channel", async () => {
    const { transport } = await connected({ namePrefix: "blue." });
    const { deliveries } = await subscribe(transport, { group: "prefixed", channels: ["prefixed"] });
    await publish(transport, "prefixed", ["m"]);
    await expect.poll(() => deliveries.map(({ message }) => message.channel)).toEqual(["prefixed"]);
    const names = await broker.queueNames();
    expect(names.filter((name) => name.includes("prefixed")).sort()).toEqual([
      "blue.prefixed",
      "blue.prefixed:dead",
    ]);
  });

  test("a group is refused under another ordering or number of queues, and where its queue is another's", async () => {
    const { transport } = await connected();
    const { subscription } = await subscribe(transport, { group: "rival", channels: ["rival"] });
    await subscription.close();
    const conflict = { code: "TRANSPORT_TOPOLOGY_CONFLICT" };
    await expect(
      subscribe(transport, { group: "rival", channels: ["rival"], ordering: "key" }),
    ).rejects.toMatchObject(conflict);
    const four = await connected({ partitions: 4 });
    await (
      await subscribe(four.transport, { group: "parts", channels: ["rival"], ordering: "key" })
    ).subscription.close();
    await expect(
      subscribe(transport, { group: "parts", channels: ["rival"], ordering: "key" }),
    ).rejects.toMatchObject(conflict);
    const admin = await raw.createChannel();
    await admin.assertQueue("classic", { durable: true });
    await admin.close();
    await expect(subscribe(transport, { group: "classic", channels: ["rival"] })).rejects.toThrow(
      "the queue 'classic' exists with another",
    );
  });

  test("with topology: check, a group whose queues are missing is refused, and one whose queues are there is consumed", async () => {
    const declaring = await connected();
    const bound = await subscribe(declaring.transport, { group: "checked", channels: ["checked"] });
    await bound.subscription.close();
    const { transport } = await connected({ topology: "check" });
    await expect(subscribe(transport, { group: "unchecked", channels: ["checked"] })).rejects.toMatchObject({
      code: "TRANSPORT_CHANNEL_MISSING",
    });
    const { deliveries } = await subscribe(transport, { group: "checked", channels: ["checked"] });
    await publish(transport, "checked", ["m"]);
    await expect.poll(() => deliveries.map(idOf)).toEqual(["m"]);
  });

  test("50. over a cut every message that was confirmed arrives, and only unsettled ones twice", async () => {
    const { transport, proxy } = await connected();
    const seen: string[] = [];
    await subscribe(transport, {
      group: "cut",
      channels: ["cut"],
      maxInFlight: 10,
      receive: (delivery) => {
        seen.push(idOf(delivery));
        void delivery.settle({ kind: "ack" });
      },
    });
    await publish(transport, "cut", ids(100));
    proxy.cut();
    await publish(transport, "cut", ids(100, 100));
    await expect.poll(() => new Set(seen).size, { timeout: 10_000 }).toBe(200);
    expect(seen.length).toBeLessThan(200 + 30);
  });

  test("52. close while the connection is down ends at once, and gives the group free for another subscription", async () => {
    const { transport, proxy } = await connected();
    const { subscription } = await subscribe(transport, {
      group: "down",
      channels: ["down"],
      ordering: "key",
    });
    proxy.cut();
    await subscription.close();
    await expect.poll(() => transport.state(), { timeout: 10_000 }).toBe("ready");
    const again = await subscribe(transport, { group: "down", channels: ["down"], ordering: "key" });
    await publish(transport, "down", ["m"]);
    await expect.poll(() => again.deliveries.map(idOf)).toEqual(["m"]);
  });
});
