import { expect, test } from "vitest";
import type { Delivery } from "../../src/contracts/subscription.ts";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import {
  ack,
  connected,
  keyed,
  listen,
  outgoing,
  publish,
  settled,
  subscription,
  textOf,
} from "./support/clients.ts";

test("1. messages published before and after subscribe arrive once each; body, key and headers equal", async () => {
  const transport = await connected();
  const message = (text: string) =>
    outgoing(text, {
      key: `key of ${text}`,
      headers: { "x-a": "1", traceparent: "00-1" },
      contentType: "text/x",
    });
  await publish(transport, message("before"));
  const { deliveries } = await listen(transport, { startAt: "beginning" }, ack);
  await publish(transport, message("after"));
  await settled();
  expect(deliveries.map(({ message }) => message)).toEqual(
    ["before", "after"].map((text) => ({
      channel: "orders",
      key: `key of ${text}`,
      attributes: { id: text, type: "placed" },
      headers: { "x-a": "1", traceparent: "00-1" },
      contentType: "text/x",
      body: new Uint8Array(Buffer.from(text)),
    })),
  );
});

test("2. no body and a body of no bytes stay what they are", async () => {
  const transport = await connected();
  const { deliveries } = await listen(transport);
  await publish(
    transport,
    outgoing("none", { body: undefined }),
    outgoing("empty", { body: new Uint8Array(0) }),
  );
  await settled();
  expect(deliveries.map(({ message }) => message.body)).toEqual([undefined, new Uint8Array(0)]);
});

test("3. header values of any text, and header names that differ in case only, arrive as sent", async () => {
  const transport = await connected();
  const headers = { "x-note": "für später ✓", "X-Note": "", long: "x".repeat(8192), ["__proto__"]: "own" };
  const { deliveries } = await listen(transport);
  await publish(transport, outgoing("a", { headers }));
  await settled();
  expect(Object.entries(deliveries[0]?.message.headers ?? {})).toEqual(Object.entries(headers));
});

test("4. a body is taken just under and at the limit, and not over it", async () => {
  const transport = await connected(memoryBroker({ maxMessageBytes: 100 }));
  expect(transport.capabilities.maxMessageBytes).toBe(100);
  const { deliveries } = await listen(transport);
  const bare = { attributes: { id: "12345" }, headers: { ü: "é" } }; // 2 + 5 + 2 + 2 bytes
  const sized = (bytes: number) => outgoing("x", { ...bare, body: Buffer.alloc(bytes, 0xff) });
  const outcomes = await publish(transport, sized(88), sized(89), sized(90));
  expect(outcomes).toMatchObject([
    { status: "confirmed" },
    { status: "confirmed" },
    { status: "rejected", scope: "message", error: { code: "TRANSPORT_TOO_LARGE", retryable: false } },
  ]);
  await settled();
  expect(deliveries.map(({ message }) => message.body?.byteLength)).toEqual([88, 89]);
});

test("5. channels do not mix, and one that nobody subscribed to delivers nothing", async () => {
  const transport = await connected();
  const orders = await listen(transport, { group: "a" });
  const both = await listen(transport, {
    group: "b",
    channels: ["orders", "stock"].map((channel) => ({ channel, types: "all" })),
  });
  await publish(
    transport,
    outgoing("1"),
    outgoing("2", { channel: "stock" }),
    outgoing("3", { channel: "bills" }),
  );
  await settled();
  expect([orders.texts(), both.texts().sort()]).toEqual([["1"], ["1", "2"]]);
});

test("6. twenty channels in parallel are complete", async () => {
  const transport = await connected();
  const names = Array.from({ length: 20 }, (_, at) => `channel-${at}`);
  const channels = names.map((channel) => ({ channel, types: "all" as const }));
  const { deliveries } = await listen(transport, { channels, maxInFlight: 3 }, ack);
  await Promise.all(
    names.flatMap((channel) =>
      Array.from({ length: 50 }, (_, at) => publish(transport, outgoing(`${at}`, { channel }))),
    ),
  );
  await settled();
  await expect.poll(() => deliveries.length, { interval: 1 }).toBe(1000);
  const counts = names.map((name) => deliveries.filter(({ message }) => message.channel === name).length);
  expect(counts).toEqual(names.map(() => 50));
});

test("a channel with a long queue does not keep the others of its group waiting", async () => {
  const transport = await connected();
  const channels = ["busy", "quiet"].map((channel) => ({ channel, types: "all" as const }));
  const { deliveries } = await listen(transport, { channels, maxInFlight: 1 }, ack);
  await publish(
    transport,
    ...Array.from({ length: 100 }, (_, at) => outgoing(`b${at}`, { channel: "busy" })),
  );
  await publish(transport, outgoing("q", { channel: "quiet" }));
  await settled();
  expect(deliveries.slice(0, 5).map(textOf)).toContain("q");
});

test("types filter what a group gets; what names no type reaches every group", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const placed = await listen(
    transport,
    { group: "a", channels: [{ channel: "orders", types: ["placed"] }] },
    ack,
  );
  const shipped = await listen(
    transport,
    { group: "b", channels: [{ channel: "orders", types: ["shipped"] }] },
    ack,
  );
  await publish(transport, outgoing("1"), outgoing("2", { type: "shipped" }));
  broker.inject("orders", { body: Buffer.from("foreign") });
  await settled();
  expect([placed.texts(), shipped.texts()]).toEqual([
    ["1", "foreign"],
    ["2", "foreign"],
  ]);
});

test("10. 5,000 messages, 50 publishers, 50 competing consumers: none lost, none handled twice", async () => {
  const broker = memoryBroker();
  const seen: string[] = [];
  const transports = await Promise.all(Array.from({ length: 50 }, () => connected(broker)));
  for (const transport of transports) {
    await listen(transport, { maxInFlight: 5 }, (delivery) => {
      seen.push(textOf(delivery));
      return ack(delivery);
    });
  }
  const startedMs = performance.now();
  await Promise.all(
    transports.map(async (transport, publisher) => {
      for (let i = 0; i < 100; i += 1) await publish(transport, outgoing(`${publisher}/${i}`));
    }),
  );
  await expect.poll(() => seen.length, { interval: 1 }).toBe(5000);
  expect(performance.now() - startedMs).toBeLessThan(2000);
  expect(new Set(seen).size).toBe(5000);
  await expect.poll(() => broker.inspect().groups[0]?.unsettled).toBe(0);
});

test("11. a new group starts at what is new, at the beginning, or at a time", async () => {
  const clock = fakeClock();
  const transport = await connected(memoryBroker({ clock }));
  await publish(transport, outgoing("old"));
  await clock.advance(1000);
  const since = new Date(clock.now());
  await publish(transport, outgoing("recent"));
  const fresh = await listen(transport, { group: "new", startAt: "new" }, ack);
  const all = await listen(transport, { group: "all", startAt: "beginning" }, ack);
  const some = await listen(transport, { group: "some", startAt: since }, ack);
  await publish(transport, outgoing("next"));
  await settled();
  expect([fresh.texts(), all.texts(), some.texts()]).toEqual([
    ["next"],
    ["old", "recent", "next"],
    ["recent", "next"],
  ]);
});

test("11. a group that exists goes on where it was, wherever it asks to start", async () => {
  const transport = await connected();
  const first = await listen(transport, { startAt: "beginning" }, ack);
  await publish(transport, outgoing("a"));
  await settled();
  await first.subscription.close();
  await publish(transport, outgoing("b"));
  const second = await listen(transport, { startAt: "beginning" }, ack);
  await settled();
  expect([first.texts(), second.texts()]).toEqual([["a"], ["b"]]);
});

test("11. the past goes back as far as the broker retains it", async () => {
  const transport = await connected(memoryBroker({ retainedMessages: 3 }));
  for (const text of ["1", "2", "3", "4", "5"]) await publish(transport, outgoing(text));
  const listener = await listen(transport, { startAt: "beginning" }, ack);
  await settled();
  expect(listener.texts()).toEqual(["3", "4", "5"]);
});

test("12. two groups each get every message; members of one group share them", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const shipping = [
    await listen(one, { group: "shipping" }, ack),
    await listen(two, { group: "shipping" }, ack),
  ];
  const billing = await listen(one, { group: "billing" }, ack);
  await publish(one, ...["1", "2", "3", "4"].map((text) => outgoing(text)));
  await settled();
  expect(billing.texts()).toEqual(["1", "2", "3", "4"]);
  expect(shipping.map((member) => member.texts())).toEqual([
    ["1", "3"],
    ["2", "4"],
  ]);
});

test("12. a member without room is passed over", async () => {
  const broker = memoryBroker();
  const [busy, free] = [
    await listen(await connected(broker), { maxInFlight: 1 }),
    await listen(await connected(broker), {}, ack),
  ];
  await publish(await connected(broker), ...["1", "2", "3", "4"].map((text) => outgoing(text)));
  await settled();
  expect([busy.texts(), free.texts()]).toEqual([["1"], ["2", "3", "4"]]);
});

test("members `each`: every member gets every message, as long as it is there", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const first = await listen(one, { members: "each" }, ack);
  const second = await listen(two, { members: "each" }, ack);
  await publish(one, outgoing("a"));
  await settled();
  await second.subscription.close();
  await publish(one, outgoing("b"));
  const again = await listen(two, { members: "each" }, ack);
  await publish(one, outgoing("c"));
  await settled();
  expect([first.texts(), second.texts(), again.texts()]).toEqual([["a", "b", "c"], ["a"], ["c"]]);
  expect(broker.inspect().groups.map(({ members }) => members)).toEqual(["share", "each", "each"]);
});

test("members `each`: a member that has left keeps no queue", async () => {
  const broker = memoryBroker({ maxQueuedMessages: 1 });
  const transport = await connected(broker);
  const gone = await listen(transport, { members: "each" });
  await gone.subscription.close();
  const outcomes = await publish(transport, outgoing("a"), outgoing("b"));
  expect(outcomes).toEqual([{ status: "confirmed" }, { status: "confirmed" }]);
});

test("members `each`: dead letters go to those of the group", async () => {
  const transport = await connected();
  await listen(transport, { members: "each" }, (delivery) =>
    delivery.settle({ kind: "dead-letter", letter: outgoing("letter") }),
  );
  await publish(transport, outgoing("a"));
  await settled();
  expect(transport.native.inspect().deadLetters.map(({ group }) => group)).toEqual(["shipping"]);
});

test("13. a group bound before its first consumer keeps the messages published in between", async () => {
  const transport = await connected();
  const declared = await listen(transport);
  await declared.subscription.close();
  await publish(transport, outgoing("a"), outgoing("b"));
  const listener = await listen(transport, {}, ack);
  await settled();
  expect([declared.texts(), listener.texts()]).toEqual([[], ["a", "b"]]);
});

test("14. a subscription of the same group by the same transport twice fails with USAGE_ALREADY_SUBSCRIBED", async () => {
  const transport = await connected();
  const [first, second] = await Promise.allSettled([listen(transport, {}, ack), listen(transport)]);
  expect(first.status).toBe("fulfilled");
  expect(second).toMatchObject({ status: "rejected", reason: { code: "USAGE_ALREADY_SUBSCRIBED" } });
  await expect(listen(transport)).rejects.toMatchObject({ code: "USAGE_ALREADY_SUBSCRIBED" });
  // The dead letters of the group are something else to consume, and a closed subscription makes room.
  await listen(transport, { of: "dead-letters" });
  if (first.status === "fulfilled") await first.value.subscription.close();
  const again = await listen(transport, {}, ack);
  await publish(transport, outgoing("a"));
  await settled();
  expect(again.texts()).toEqual(["a"]);
});

test("16. two brokers in one process do not cross", async () => {
  const [one, two] = [await connected(), await connected()];
  const listener = await listen(two, {}, ack);
  await publish(one, outgoing("a"));
  await settled();
  expect(listener.texts()).toEqual([]);
  expect(two.native.inspect().channels).toEqual([{ channel: "orders", retained: 0 }]);
});

test("a publish is never delivered in the same synchronous turn, nor in a microtask of it", async () => {
  const transport = await connected();
  const listener = await listen(transport);
  const confirmed = publish(transport, outgoing("a"));
  for (let i = 0; i < 100; i += 1) await Promise.resolve();
  expect(listener.deliveries).toEqual([]);
  await confirmed;
  await settled();
  expect(listener.texts()).toEqual(["a"]);
});

test("a publisher in a tight loop starves neither timers nor I/O", async () => {
  const transport = await connected();
  let turned = false;
  setImmediate(() => (turned = true));
  for (let i = 0; i < 1000 && !turned; i += 1) await publish(transport, outgoing("a"));
  expect(turned).toBe(true);
});

test("what the publisher changes after the call, and what a receiver changes, does not reach the broker", async () => {
  const transport = await connected();
  const headers: Record<string, string> = { a: "1" };
  const body = Buffer.from("text");
  const listener = await listen(transport);
  const other = await listen(transport, { group: "other" });
  const confirmed = publish(transport, outgoing("x", { headers, body }));
  headers["a"] = "changed";
  body.fill(0);
  await confirmed;
  await settled();
  const first = listener.deliveries[0];
  if (first?.message.body === undefined) throw new Error("nothing delivered");
  Object.assign(first.message.headers, { a: "changed" });
  first.message.body.fill(0);
  await first.settle({ kind: "retry", delayMs: 0, attempt: 1 });
  await settled();
  for (const delivery of [listener.deliveries[1], other.deliveries[0]]) {
    expect(delivery?.message.headers).toEqual({ a: "1" });
    expect(Buffer.from(delivery?.message.body ?? []).toString()).toBe("text");
  }
});

test("39. 100,000 messages leave nothing behind but the bounded log", async () => {
  const broker = memoryBroker({ retainedMessages: 1000 });
  const transport = await connected(broker);
  let handled = 0;
  let most = 0;
  let unsettled = 0;
  const handle = async (delivery: Delivery): Promise<void> => {
    unsettled += 1;
    most = Math.max(most, unsettled);
    await ack(delivery);
    unsettled -= 1;
    handled += 1;
  };
  const request = subscription({ ordering: "key", maxInFlight: 50 });
  await transport.consumer.subscribe(request, (delivery) => void handle(delivery));
  for (let batch = 0; batch < 100; batch += 1) {
    await publish(
      transport,
      ...Array.from({ length: 1000 }, (_, at) => keyed(`key-${batch}-${at % 200}`, "x")),
    );
  }
  await expect.poll(() => handled, { timeout: 10_000 }).toBe(100_000);
  expect(most).toBe(50);
  expect(broker.inspect()).toMatchObject({
    channels: [{ channel: "orders", retained: 1000 }],
    groups: [{ queued: 0, unsettled: 0, delayed: 0, deadLetters: 0 }],
  });
}, 20_000);
