import { expect, test } from "vitest";
import type { Delivery } from "../../src/contracts/subscription.ts";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { ack, connected, keyed, listen, outgoing, publish, settled, textOf } from "./support/clients.ts";

test("33. one consumer gets the messages of a channel in the order published", async () => {
  const transport = await connected();
  const listener = await listen(transport, { maxInFlight: 3 }, ack);
  const texts = Array.from({ length: 200 }, (_, at) => `${at}`);
  for (const text of texts) void publish(transport, outgoing(text));
  await expect.poll(() => listener.deliveries.length, { interval: 1 }).toBe(200);
  expect(listener.texts()).toEqual(texts);
});

test("34. 16 keys over 10 members of a group: each key in the order published", async () => {
  const broker = memoryBroker();
  const seen = new Map<string, string[]>();
  const inHand = new Map<string, number>();
  let most = 0;
  for (let member = 0; member < 10; member += 1) {
    await listen(await connected(broker), { ordering: "key", maxInFlight: 4 }, async (delivery) => {
      const key = delivery.message.key ?? "";
      inHand.set(key, (inHand.get(key) ?? 0) + 1);
      most = Math.max(most, inHand.get(key) ?? 0);
      await new Promise((resolve) => setImmediate(resolve));
      seen.set(key, [...(seen.get(key) ?? []), textOf(delivery)]);
      inHand.set(key, (inHand.get(key) ?? 0) - 1);
      await ack(delivery);
    });
  }
  const publisher = await connected(broker);
  const texts = Array.from({ length: 50 }, (_, at) => `${at}`);
  for (const text of texts)
    await publish(publisher, ...Array.from({ length: 16 }, (_, key) => keyed(`key-${key}`, text)));
  await expect.poll(() => [...seen.values()].flat().length).toBe(800);
  expect([...seen.values()]).toEqual(Array.from({ length: 16 }, () => texts));
  expect(most).toBe(1);
});

test("35. the next message of a key waits for the settlement of the former, at any member; other keys go on", async () => {
  const broker = memoryBroker();
  const members = await Promise.all(
    [1, 2].map(async () => listen(await connected(broker), { ordering: "key", maxInFlight: 10 })),
  );
  await publish(
    await connected(broker),
    keyed("a", "a1"),
    keyed("a", "a2"),
    keyed("b", "b1"),
    outgoing("c"),
    outgoing("d"),
  );
  await settled();
  const texts = () => members.flatMap((member) => member.texts()).sort();
  expect(texts()).toEqual(["a1", "b1", "c", "d"]);
  const first = members.flatMap((member) => member.deliveries).find((each) => textOf(each) === "a1");
  await first?.settle({ kind: "ack" });
  await settled();
  expect(texts()).toEqual(["a1", "a2", "b1", "c", "d"]);
});

test("35. one key in two channels is two keys", async () => {
  const transport = await connected();
  const channels = ["orders", "stock"].map((channel) => ({ channel, types: "all" as const }));
  const listener = await listen(transport, { ordering: "key", channels });
  await publish(transport, keyed("k", "a"), { ...keyed("k", "b"), channel: "stock" });
  await settled();
  expect(listener.texts().sort()).toEqual(["a", "b"]);
});

test("36. a retry of a key comes again before later ones of that key, and holds them through its delay", async () => {
  const clock = fakeClock();
  const transport = await connected(memoryBroker({ clock }));
  const listener = await listen(transport, { ordering: "key" }, (delivery) =>
    textOf(delivery) === "a1" && delivery.attempt < 3
      ? delivery.settle({ kind: "retry", delayMs: 100, attempt: delivery.attempt })
      : ack(delivery),
  );
  await publish(transport, keyed("a", "a1"), keyed("a", "a2"), keyed("b", "b1"), keyed("a", "a3"));
  await clock.advance(199);
  expect(listener.texts()).toEqual(["a1", "b1", "a1"]);
  await clock.advance(1);
  expect(listener.texts()).toEqual(["a1", "b1", "a1", "a1", "a2", "a3"]);
});

test("36. messages of a key that a lost member held come again before later ones of that key", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const first = await listen(one, { ordering: "key" });
  await publish(two, keyed("a", "a1"), keyed("a", "a2"));
  await settled();
  expect(first.texts()).toEqual(["a1"]);
  const second = await listen(two, { ordering: "key" }, ack);
  await publish(two, keyed("a", "a3"));
  await one.close();
  await settled();
  expect(second.texts()).toEqual(["a1", "a2", "a3"]);
  expect(second.deliveries[0]).toMatchObject({ attempt: 1, redelivered: true });
});

test("a dead letter opens the way for the next of its key", async () => {
  const transport = await connected();
  const listener = await listen(transport, { ordering: "key" }, (delivery) =>
    textOf(delivery) === "a1"
      ? delivery.settle({ kind: "dead-letter", letter: outgoing("letter") })
      : ack(delivery),
  );
  await publish(transport, keyed("a", "a1"), keyed("a", "a2"));
  await settled();
  expect(listener.texts()).toEqual(["a1", "a2"]);
});

test("members of one group ask for one ordering; it can change when all have left", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const first = await listen(one, { ordering: "none" });
  await expect(listen(two, { ordering: "key" })).rejects.toMatchObject({
    code: "TRANSPORT_TOPOLOGY_CONFLICT",
  });
  await publish(one, keyed("a", "a1"), keyed("a", "a2"), keyed("b", "b1"));
  await settled();
  expect(first.texts()).toEqual(["a1", "a2", "b1"]);
  await one.close();
  const second = await listen(two, { ordering: "key" });
  await settled();
  expect(second.texts()).toEqual(["a1", "b1"]);
  await two.close();
  const third = await listen(await connected(broker), { ordering: "none" });
  await settled();
  expect(third.texts()).toEqual(["a1", "a2", "b1"]);
});

test("37. a subscription never has more unsettled deliveries handed out than its maxInFlight", async () => {
  const transport = await connected();
  let inHand = 0;
  let most = 0;
  const channels = ["orders", "stock"].map((channel) => ({ channel, types: "all" as const }));
  const handle = async (delivery: Delivery): Promise<void> => {
    inHand += 1;
    most = Math.max(most, inHand);
    await new Promise((resolve) => setImmediate(resolve));
    await ack(delivery);
    inHand -= 1;
  };
  const listener = await listen(transport, { maxInFlight: 7, channels }, handle);
  for (let i = 0; i < 10; i += 1) {
    await publish(
      transport,
      ...Array.from({ length: 20 }, (_, at) => outgoing("x", { channel: at % 2 === 0 ? "orders" : "stock" })),
    );
  }
  await expect.poll(() => listener.deliveries.length, { interval: 1 }).toBe(200);
  expect(most).toBe(7);
});

test("38. maxInFlight is raised and lowered live", async () => {
  const transport = await connected();
  const { deliveries, subscription } = await listen(transport, { maxInFlight: 1 });
  await publish(transport, ...Array.from({ length: 10 }, (_, at) => outgoing(`${at}`)));
  await settled();
  expect(deliveries).toHaveLength(1);
  subscription.setMaxInFlight(4);
  await settled();
  expect(deliveries).toHaveLength(4);
  subscription.setMaxInFlight(2);
  await Promise.all(deliveries.slice(0, 2).map(ack));
  await settled();
  expect(deliveries).toHaveLength(4);
  await ack(deliveries[2] as Delivery);
  await settled();
  expect(deliveries).toHaveLength(5);
  for (const count of [0, -1, 1.5, Number.NaN]) {
    expect(() => subscription.setMaxInFlight(count)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  }
});

test("40. pause ends intake without leaving the group; resume goes on where it stopped", async () => {
  const transport = await connected();
  const listener = await listen(transport, {}, ack);
  await publish(transport, outgoing("a"));
  await settled();
  listener.subscription.pause();
  await publish(transport, outgoing("b"), outgoing("c"));
  await settled();
  expect(listener.texts()).toEqual(["a"]);
  listener.subscription.resume();
  await settled();
  expect(listener.texts()).toEqual(["a", "b", "c"]);
});

test("46. after stop nothing new is handed over, and what is under way can still be settled", async () => {
  const transport = await connected();
  const listener = await listen(transport, { maxInFlight: 1 });
  await publish(transport, outgoing("a"), outgoing("b"));
  await settled();
  await listener.subscription.stop();
  listener.subscription.resume();
  await listener.deliveries[0]?.settle({ kind: "ack" });
  await settled();
  expect(listener.texts()).toEqual(["a"]);
  expect(transport.native.inspect().groups).toMatchObject([{ queued: 1, unsettled: 0 }]);
});
