import { expect, test } from "vitest";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { ack, connected, keyed, listen, outgoing, publish, settled, statuses } from "./support/clients.ts";

test("7. publish resolves only after the broker has the message", async () => {
  const transport = await connected();
  const confirmed = publish(transport, outgoing("a"));
  expect(transport.native.inspect().channels).toEqual([]);
  expect(await confirmed).toEqual([{ status: "confirmed" }]);
  expect(transport.native.inspect().channels).toEqual([{ channel: "orders", retained: 1 }]);
});

test("8. a refused message does not take the others of its batch with it, and each has its own outcome, in order", async () => {
  const transport = await connected(memoryBroker({ maxMessageBytes: 50 }));
  const listener = await listen(transport, {}, ack);
  const outcomes = await publish(transport, outgoing("a"), outgoing("x".repeat(100)), outgoing("b"));
  await settled();
  expect(statuses(outcomes)).toEqual(["confirmed", "TRANSPORT_TOO_LARGE", "confirmed"]);
  expect(listener.texts()).toEqual(["a", "b"]);
});

test("a batch of nothing has no outcomes", async () => {
  const transport = await connected();
  expect(await publish(transport)).toEqual([]);
  expect(await transport.publisher.publishRun([], { deadlineMs: 10 })).toEqual([]);
});

test("publishRun confirms a prefix: after the first outcome that is not confirmed nothing later is confirmed", async () => {
  const transport = await connected(memoryBroker({ maxMessageBytes: 50 }));
  const listener = await listen(transport, {}, ack);
  const run = [keyed("k", "a"), keyed("k", "x".repeat(100)), keyed("k", "b")];
  const outcomes = await transport.publisher.publishRun(run, { deadlineMs: 1000 });
  await settled();
  expect(statuses(outcomes)).toEqual(["confirmed", "TRANSPORT_TOO_LARGE", "TRANSPORT_REJECTED"]);
  expect(listener.texts()).toEqual(["a"]);
});

test("9. publishing to a channel that does not exist creates it, or is rejected, as the options say", async () => {
  const broker = memoryBroker();
  const strict = await connected(broker, { missingChannel: "reject" });
  const lax = await connected(broker);
  const rejected = await publish(strict, outgoing("a"));
  expect(rejected).toMatchObject([
    { status: "rejected", scope: "message", error: { code: "TRANSPORT_CHANNEL_MISSING", retryable: false } },
  ]);
  await expect(listen(strict)).rejects.toMatchObject({ code: "TRANSPORT_CHANNEL_MISSING" });
  expect(broker.inspect().channels).toEqual([]);
  expect(statuses(await publish(lax, outgoing("b")))).toEqual(["confirmed"]);
  expect(statuses(await publish(strict, outgoing("c")))).toEqual(["confirmed"]);
  broker.createChannel("stock");
  expect(statuses(await publish(strict, outgoing("d", { channel: "stock" })))).toEqual(["confirmed"]);
});

test("a queue that is full rejects as the broker's fault, and no group gets the message", async () => {
  const transport = await connected(memoryBroker({ maxQueuedMessages: 2 }));
  await listen(transport, { group: "slow", maxInFlight: 1 });
  const quick = await listen(transport, { group: "quick" }, ack);
  expect(statuses(await publish(transport, outgoing("1"), outgoing("2")))).toEqual([
    "confirmed",
    "confirmed",
  ]);
  const outcomes = await publish(transport, outgoing("3"));
  expect(outcomes).toMatchObject([
    { status: "rejected", scope: "broker", error: { code: "TRANSPORT_FULL", retryable: true } },
  ]);
  await settled();
  expect(quick.texts()).toEqual(["1", "2"]);
});

test("while the broker is down a publish waits, and goes out when it is back, in the order of the calls", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const listener = await listen(transport, { ordering: "key" }, ack);
  const early = publish(transport, keyed("k", "1"));
  broker.stop();
  const late = [publish(transport, keyed("k", "2")), publish(transport, keyed("k", "3"))];
  await settled();
  expect(transport.state()).toBe("reconnecting");
  broker.start();
  const last = publish(transport, keyed("k", "4"));
  const outcomes = await Promise.all([early, ...late, last]);
  expect(outcomes.flatMap(statuses)).toEqual(["confirmed", "confirmed", "confirmed", "confirmed"]);
  await settled();
  expect(listener.texts()).toEqual(["1", "2", "3", "4"]);
});

test("while the broker is down a publish is rejected at its deadline, as the broker's fault, and never sent", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  const listener = await listen(transport, {}, ack);
  broker.stop();
  const outcome = publish(transport, outgoing("late"));
  await clock.advance(999);
  let known = false;
  void outcome.then(() => (known = true));
  await settled();
  expect(known).toBe(false);
  await clock.advance(1);
  expect(await outcome).toMatchObject([
    { status: "rejected", scope: "broker", error: { code: "TRANSPORT_UNAVAILABLE", retryable: true } },
  ]);
  expect(clock.pendingTimers()).toBe(0);
  broker.start();
  await settled();
  expect(listener.texts()).toEqual([]);
});

test("a publish that an outage overtakes has its deadline too, and one that goes out leaves no timer", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  const overtaken = transport.publisher.publish([outgoing("a")], { deadlineMs: 100 });
  broker.stop();
  const patient = transport.publisher.publish([outgoing("b")], { deadlineMs: 1000 });
  await clock.advance(100);
  expect(statuses(await overtaken)).toEqual(["TRANSPORT_UNAVAILABLE"]);
  expect(clock.pendingTimers()).toBe(1);
  broker.start();
  expect(statuses(await patient)).toEqual(["confirmed"]);
  expect(clock.pendingTimers()).toBe(0);
});

test("a deadline that has passed, and a signal that has aborted, send nothing", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const past = await transport.publisher.publish([outgoing("a")], { deadlineMs: 0 });
  const aborted = await transport.publisher.publish([outgoing("a")], {
    deadlineMs: 10,
    signal: AbortSignal.abort(),
  });
  const abort = new AbortController();
  const waiting = transport.publisher.publish([outgoing("a")], { deadlineMs: 1000, signal: abort.signal });
  abort.abort();
  expect([past, aborted, await waiting].flatMap(statuses)).toEqual([
    "TRANSPORT_DEADLINE",
    "TRANSPORT_DEADLINE",
    "TRANSPORT_DEADLINE",
  ]);
  await settled();
  expect(broker.inspect().channels).toEqual([]);
});

test("49. after close every outcome is a rejection with USAGE_CLOSED, and before connect too", async () => {
  const transport = await connected();
  const before = await publish(transport, outgoing("a"));
  const closing = transport.close();
  const during = await publish(transport, outgoing("b"));
  await closing;
  const after = await transport.publisher.publishRun([outgoing("c"), outgoing("d")], { deadlineMs: 10 });
  expect([before, during, after].map(statuses)).toEqual([
    ["confirmed"],
    ["USAGE_CLOSED"],
    ["USAGE_CLOSED", "USAGE_CLOSED"],
  ]);
});

test("49. publishes that are under way at close settle, also through an outage, and what they report is true", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  const sent = publish(transport, outgoing("a"));
  const closed = transport.close();
  expect(statuses(await sent)).toEqual(["confirmed"]);
  await closed;
  await transport.connect();
  broker.stop();
  const [lost, kept] = [
    transport.publisher.publish([outgoing("b")], { deadlineMs: 10 }),
    transport.publisher.publish([outgoing("c")], { deadlineMs: 1000 }),
  ];
  const closing = transport.close();
  await clock.advance(10);
  expect(statuses(await lost)).toEqual(["TRANSPORT_UNAVAILABLE"]);
  broker.start();
  expect(statuses(await kept)).toEqual(["confirmed"]);
  await closing;
  expect(broker.inspect().channels).toEqual([{ channel: "orders", retained: 2 }]);
});
