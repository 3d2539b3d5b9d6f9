import { expect, test } from "vitest";
import type { Delivery } from "../../src/contracts/subscription.ts";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { ack, connected, keyed, listen, outgoing, publish, settled, textOf } from "./support/clients.ts";

const retry = (delivery: Delivery, delayMs = 0): Promise<void> =>
  delivery.settle({ kind: "retry", delayMs, attempt: delivery.attempt });

test("17. a message that nobody settles stays unsettled, and is not delivered twice", async () => {
  const transport = await connected();
  const listener = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  expect(listener.texts()).toEqual(["a"]);
  expect(transport.native.inspect().groups).toMatchObject([{ queued: 0, unsettled: 1 }]);
});

test("18. a retry is a redelivery with attempt 1, 2, 3, to its group only", async () => {
  const transport = await connected();
  const other = await listen(transport, { group: "other" }, ack);
  const { deliveries } = await listen(transport, {}, (delivery) =>
    delivery.attempt < 3 ? retry(delivery) : ack(delivery),
  );
  await publish(transport, outgoing("a"));
  await settled();
  expect(deliveries.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual([
    [1, false],
    [2, true],
    [3, true],
  ]);
  expect(other.texts()).toEqual(["a"]);
});

test("22. attempts that only the settlement knows of are counted too", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  await deliveries[0]?.settle({ kind: "retry", delayMs: 0, attempt: 4 });
  await settled();
  expect(deliveries[1]?.attempt).toBe(5);
});

test("19. two that are given back, one released and one retried: then all arrive, and only the retry counts", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a"), outgoing("b"), outgoing("c"));
  await settled();
  await deliveries[0]?.settle({ kind: "release" });
  if (deliveries[1] !== undefined) await retry(deliveries[1]);
  await settled();
  expect(deliveries.slice(3).map((each) => [textOf(each), each.attempt, each.redelivered])).toEqual([
    ["a", 1, true],
    ["b", 2, true],
  ]);
});

test("a release returns the message in its place, in front of later ones", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport, { maxInFlight: 2 });
  await publish(transport, ...["a", "b", "c", "d"].map((text) => outgoing(text)));
  await settled();
  await Promise.all(deliveries.slice(0, 2).map((each) => each.settle({ kind: "release" })));
  await settled();
  expect(deliveries.map(textOf)).toEqual(["a", "b", "a", "b"]);
});

test("20. three consumers give back 100 each and leave; a fresh one gets all", async () => {
  const broker = memoryBroker();
  const publisher = await connected(broker);
  const members = await Promise.all(
    [1, 2, 3].map(async () => {
      const transport = await connected(broker);
      return { transport, listener: await listen(transport, { maxInFlight: 100 }) };
    }),
  );
  await publish(publisher, ...Array.from({ length: 300 }, (_, at) => outgoing(`${at}`)));
  await settled();
  for (const { transport, listener } of members) {
    expect(listener.deliveries).toHaveLength(100);
    await listener.subscription.stop();
    await Promise.all(listener.deliveries.map((each) => each.settle({ kind: "release" })));
    await transport.close();
  }
  const fresh = await listen(publisher, { maxInFlight: 300 }, ack);
  await settled();
  expect(fresh.texts()).toEqual(Array.from({ length: 300 }, (_, at) => `${at}`));
});

test("21. a crash between hand-over and settle is a redelivery, flagged and counted", async () => {
  const broker = memoryBroker();
  const [dying, next] = [await connected(broker), await connected(broker)];
  const held = await listen(dying);
  await publish(next, outgoing("a"));
  await settled();
  dying.crash();
  expect([held.deliveries[0]?.signal.aborted, dying.state()]).toEqual([true, "failed"]);
  const { deliveries } = await listen(next);
  await settled();
  expect(deliveries.map((each) => [textOf(each), each.attempt, each.redelivered])).toEqual([["a", 2, true]]);
});

test("26. settling twice the same way is a no-op", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  const delivery = deliveries[0];
  await Promise.all([delivery?.settle({ kind: "release" }), delivery?.settle({ kind: "release" })]);
  await delivery?.settle({ kind: "release" });
  await settled();
  expect(deliveries).toHaveLength(2);
  expect(transport.native.inspect().groups).toMatchObject([{ queued: 0, unsettled: 1 }]);
});

test("26. settling again in another way fails with USAGE_ALREADY_SETTLED", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  const delivery = deliveries[0];
  const acked = delivery?.settle({ kind: "ack" });
  await expect(delivery?.settle({ kind: "release" })).rejects.toMatchObject({
    code: "USAGE_ALREADY_SETTLED",
  });
  await acked;
  await expect(delivery?.settle({ kind: "release" })).rejects.toMatchObject({
    code: "USAGE_ALREADY_SETTLED",
  });
  expect(transport.native.inspect().groups).toMatchObject([{ queued: 0, unsettled: 0 }]);
});

test("settling after the connection generation is gone is a no-op: the message comes again", async () => {
  const transport = await connected();
  const listener = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  transport.cut();
  const [first] = listener.deliveries;
  expect(first?.signal.aborted).toBe(true);
  expect(first?.signal.reason).toMatchObject({ code: "TRANSPORT_DELIVERY_LOST" });
  await first?.settle({ kind: "ack" });
  await settled();
  expect(listener.deliveries.map((each) => [textOf(each), each.attempt])).toEqual([
    ["a", 1],
    ["a", 2],
  ]);
  expect(listener.faults).toMatchObject([{ code: "TRANSPORT_SUBSCRIPTION_LOST" }]);
});

test("a settlement that is under way when the connection breaks is a no-op", async () => {
  const transport = await connected();
  const listener = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  const acked = listener.deliveries[0]?.settle({ kind: "ack" });
  transport.cut();
  await acked;
  await settled();
  expect(listener.texts()).toEqual(["a", "a"]);
});

test("73. ordering `none`: a retry with a delay leaves the queue, and others pass", async () => {
  const clock = fakeClock();
  const transport = await connected(memoryBroker({ clock }));
  const listener = await listen(transport, { maxInFlight: 1 }, (delivery) =>
    textOf(delivery) === "bad" && delivery.attempt === 1 ? retry(delivery, 500) : ack(delivery),
  );
  await publish(transport, outgoing("bad"), outgoing("a"), outgoing("b"));
  await settled();
  expect(transport.native.inspect().groups).toMatchObject([{ queued: 0, unsettled: 0, delayed: 1 }]);
  await clock.advance(499);
  expect(listener.texts()).toEqual(["bad", "a", "b"]);
  await clock.advance(1);
  expect(listener.texts()).toEqual(["bad", "a", "b", "bad"]);
  expect(clock.pendingTimers()).toBe(0);
});

test("86. of two delays the earlier due comes first, also when it was asked for later", async () => {
  const clock = fakeClock();
  const transport = await connected(memoryBroker({ clock }));
  const delays = new Map([
    ["slow", 1000],
    ["quick", 10],
  ]);
  const listener = await listen(transport, {}, (delivery) =>
    delivery.attempt === 1 ? retry(delivery, delays.get(textOf(delivery)) ?? 0) : ack(delivery),
  );
  await publish(transport, outgoing("slow"), outgoing("quick"));
  await clock.advance(10);
  expect(listener.texts()).toEqual(["slow", "quick", "quick"]);
  await clock.advance(990);
  expect(listener.texts()).toEqual(["slow", "quick", "quick", "slow"]);
});

test("a delay outlives the consumer that asked for it", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const first = await connected(broker);
  await listen(first, {}, (delivery) => retry(delivery, 500));
  await publish(first, outgoing("a"));
  await settled();
  await first.close();
  expect(clock.pendingTimers()).toBe(0);
  await clock.advance(400);
  const second = await listen(await connected(broker), {}, ack);
  await settled();
  expect(second.texts()).toEqual([]);
  await clock.advance(100);
  expect(second.texts()).toEqual(["a"]);
});

test("a dead letter is at the group's dead letters before the original is gone, byte for byte", async () => {
  const transport = await connected();
  const letter = outgoing("why", {
    channel: "shipping.dead",
    key: "k",
    headers: { "x-reason": "exhausted" },
    body: Uint8Array.of(0, 255, 13, 10),
  });
  const listener = await listen(transport, {}, (delivery) =>
    delivery.settle({ kind: "dead-letter", letter }),
  );
  await listen(transport, { group: "other" }, ack);
  await publish(transport, outgoing("a"));
  await settled();
  expect(listener.texts()).toEqual(["a"]);
  const { channel, key, attributes, headers, contentType, body } = letter;
  expect(transport.native.inspect()).toMatchObject({
    groups: [
      { group: "shipping", queued: 0, unsettled: 0, deadLetters: 1 },
      { group: "other", deadLetters: 0 },
    ],
    deadLetters: [{ group: "shipping", channel, key, attributes, headers, contentType, body }],
  });
});

test("dead letters are read by a subscription of their own, also before there are any", async () => {
  const transport = await connected();
  await listen(transport, {}, (delivery) =>
    delivery.settle({ kind: "dead-letter", letter: outgoing(`of ${textOf(delivery)}`) }),
  );
  const letters = await listen(transport, { of: "dead-letters", channels: [] });
  await publish(transport, outgoing("a"), outgoing("b"));
  await settled();
  expect(letters.texts()).toEqual(["of a", "of b"]);
  const [first, second] = letters.deliveries;
  if (first === undefined || second === undefined) throw new Error("no letters");
  await retry(first);
  await ack(second);
  await settled();
  expect(letters.deliveries.map((each) => [textOf(each), each.attempt])).toEqual([
    ["of a", 1],
    ["of b", 1],
    ["of a", 2],
  ]);
  expect(transport.native.inspect().groups).toMatchObject([{ deadLetters: 1 }]);
});

test("77. when the dead letter cannot be written, settle rejects and the original stays unsettled", async () => {
  const transport = await connected(memoryBroker({ maxQueuedMessages: 2, maxMessageBytes: 1000 }));
  const { deliveries } = await listen(transport);
  const settleAs = (at: number, text: string) =>
    deliveries[at]?.settle({ kind: "dead-letter", letter: outgoing(text) });
  await publish(transport, outgoing("a"), outgoing("b"));
  await settled();
  await expect(settleAs(0, "x".repeat(2000))).rejects.toMatchObject({ code: "TRANSPORT_TOO_LARGE" });
  expect(deliveries[0]?.signal.aborted).toBe(false);
  expect(transport.native.inspect().groups).toMatchObject([{ unsettled: 2, deadLetters: 0 }]);
  await settleAs(0, "1");
  await settleAs(1, "2");
  await publish(transport, outgoing("c"));
  await settled();
  await expect(settleAs(2, "3")).rejects.toMatchObject({ code: "TRANSPORT_FULL" });
  expect(transport.native.inspect().groups).toMatchObject([{ unsettled: 1, deadLetters: 2 }]);
  await deliveries[2]?.settle({ kind: "ack" });
  expect(transport.native.inspect().groups).toMatchObject([{ unsettled: 0, deadLetters: 2 }]);
});

test("a retry with a delay that is no number of milliseconds is refused, and can be settled again", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a"));
  await settled();
  for (const delayMs of [Number.NaN, -1, Infinity]) {
    await expect(deliveries[0]?.settle({ kind: "retry", delayMs, attempt: 1 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  }
  await deliveries[0]?.settle({ kind: "ack" });
  expect(transport.native.inspect().groups).toMatchObject([{ unsettled: 0 }]);
});

test("the origin names the place of the message in its channel", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(transport, keyed("k", "a"), keyed("k", "b"), outgoing("c", { channel: "elsewhere" }));
  await settled();
  expect(deliveries.map(({ origin }) => origin)).toEqual([
    { channel: "orders", offset: 1 },
    { channel: "orders", offset: 2 },
  ]);
});
