import { expect, test } from "vitest";
import { getEventListeners } from "node:events";
import type { ConnectionState } from "../../src/contracts/transport.ts";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { memory } from "../../src/memory/transport/transport.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import {
  ack,
  connected,
  keyed,
  listen,
  outgoing,
  publish,
  settled,
  statuses,
  textOf,
} from "./support/clients.ts";

test("45. connect twice is one connection, and closing twice is safe", async () => {
  const transport = memory();
  const states: ConnectionState[] = [];
  transport.onState((state) => void states.push(state));
  await Promise.all([transport.connect(), transport.connect()]);
  await transport.connect();
  await Promise.all([transport.close(), transport.close()]);
  await transport.close();
  expect(states).toEqual(["connecting", "ready", "closed"]);
});

test("45. close before connect is safe, and connect after close opens it again", async () => {
  const transport = memory();
  await transport.close();
  await transport.connect();
  const before = await listen(transport, {}, ack);
  await transport.close();
  await transport.connect();
  const after = await listen(transport, {}, ack);
  await publish(transport, outgoing("a"));
  await settled();
  expect([before.texts(), after.texts(), transport.state()]).toEqual([[], ["a"], "ready"]);
  await transport.close();
});

test("45. ten concurrent opens and closes end as the last one wants", async () => {
  const transport = memory();
  const turns = Array.from({ length: 11 }, (_, at) =>
    at % 2 === 0 ? transport.connect() : transport.close(),
  );
  await Promise.all(turns);
  expect(transport.state()).toBe("ready");
  expect(statuses(await publish(transport, outgoing("a")))).toEqual(["confirmed"]);
  await transport.close();
  expect(transport.state()).toBe("closed");
});

test("a state listener that throws changes nothing, and one that was taken away is told nothing", async () => {
  const transport = memory();
  const states: ConnectionState[] = [];
  transport.onState(() => {
    throw new Error("listener");
  });
  const stop = transport.onState((state) => void states.push(state));
  await transport.connect();
  stop();
  await transport.close();
  expect([states, transport.state()]).toEqual([["connecting", "ready"], "closed"]);
});

test("close returns every unsettled delivery in its place, not counted, and settling it later is a no-op", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const { deliveries } = await listen(one, { maxInFlight: 3 });
  await publish(two, ...["a", "b", "c", "d"].map((text) => outgoing(text)));
  await settled();
  await one.close();
  expect(deliveries.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
  for (const delivery of deliveries) await ack(delivery);
  const next = await listen(two);
  await settled();
  expect(next.deliveries.map((each) => [textOf(each), each.attempt, each.redelivered])).toEqual([
    ["a", 1, true],
    ["b", 1, true],
    ["c", 1, true],
    ["d", 1, false],
  ]);
});

test("48. the close of a subscription returns what it holds, and the transport goes on", async () => {
  const transport = await connected();
  const first = await listen(transport, { maxInFlight: 2 });
  await publish(transport, outgoing("a"), outgoing("b"), outgoing("c"));
  await settled();
  await Promise.all([first.subscription.close(), first.subscription.close()]);
  const second = await listen(transport, {}, ack);
  await settled();
  expect(second.texts()).toEqual(["a", "b", "c"]);
});

test("a subscription that is being bound while the transport closes is closed too", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const listening = listen(transport, {}, ack);
  await transport.close();
  const listener = await listening;
  broker.inject("orders", { body: Buffer.from("a") });
  await settled();
  expect(listener.texts()).toEqual([]);
  expect(broker.inspect().groups).toMatchObject([{ queued: 1, unsettled: 0 }]);
  await transport.connect();
  const again = await listen(transport, {}, ack);
  await settled();
  expect([listener.texts(), again.texts()]).toEqual([[], ["a"]]);
});

test("50. over restarts of the broker everything confirmed arrives, and the subscription goes on", async () => {
  const broker = memoryBroker();
  const [publisher, consumer] = [await connected(broker), await connected(broker)];
  const listener = await listen(consumer, {}, ack);
  const states: ConnectionState[] = [];
  for (let i = 0; i < 1000; i += 1) {
    const sent = publish(publisher, outgoing(`${i}`));
    if (i === 333 || i === 500) {
      broker.stop();
      states.push(publisher.state(), consumer.state());
      setImmediate(() => broker.start());
    }
    expect(statuses(await sent)).toEqual(["confirmed"]);
  }
  await settled();
  expect(new Set(listener.texts()).size).toBe(1000);
  expect(listener.faults.map(({ code }) => code)).toEqual([
    "TRANSPORT_SUBSCRIPTION_LOST",
    "TRANSPORT_SUBSCRIPTION_LOST",
  ]);
  expect(states).toEqual(Array.from({ length: 4 }, () => "reconnecting"));
  expect([publisher.state(), consumer.state()]).toEqual(["ready", "ready"]);
});

test("50. an outage returns unsettled deliveries, counted, and their settlement is a no-op", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const listener = await listen(transport, { ordering: "key" });
  await publish(transport, keyed("k", "a"), keyed("k", "b"));
  await settled();
  broker.stop();
  broker.stop();
  expect(broker.inspect()).toMatchObject({ running: false, groups: [{ queued: 2, unsettled: 0 }] });
  await listener.deliveries[0]?.settle({ kind: "ack" });
  await settled();
  expect(listener.texts()).toEqual(["a"]);
  broker.start();
  broker.start();
  await settled();
  expect(listener.deliveries.map((each) => [textOf(each), each.attempt])).toEqual([
    ["a", 1],
    ["a", 2],
  ]);
});

test("50. an outage holds delayed retries up, and they come after it", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  const listener = await listen(transport, {}, (delivery) =>
    delivery.settle({ kind: "retry", delayMs: 100, attempt: delivery.attempt }),
  );
  await publish(transport, outgoing("a"));
  await settled();
  broker.stop();
  expect(clock.pendingTimers()).toBe(0);
  await clock.advance(1000);
  expect(listener.texts()).toEqual(["a"]);
  broker.start();
  await settled();
  expect(listener.texts()).toEqual(["a", "a"]);
});

test("a stop right after a start leaves the broker down, with no timer", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  await listen(transport, {}, (delivery) => delivery.settle({ kind: "retry", delayMs: 1000, attempt: 1 }));
  await publish(transport, outgoing("a"));
  await settled();
  broker.stop();
  broker.start();
  broker.stop();
  await settled();
  expect([transport.state(), clock.pendingTimers()]).toEqual(["reconnecting", 0]);
  broker.start();
  await settled();
  expect([transport.state(), clock.pendingTimers()]).toEqual(["ready", 1]);
});

test("52. a cut touches one transport only, which comes back with its subscriptions", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const first = await listen(one, { group: "one" }, ack);
  const second = await listen(two, { group: "two" });
  await publish(two, outgoing("a"));
  await settled();
  one.cut();
  expect([one.state(), two.state(), second.deliveries[0]?.signal.aborted]).toEqual([
    "reconnecting",
    "ready",
    false,
  ]);
  const sent = publish(one, outgoing("b"));
  await settled();
  expect(one.state()).toBe("ready");
  expect(statuses(await sent)).toEqual(["confirmed"]);
  expect([first.texts(), second.texts()]).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
});

test("52. nothing is handed over while the connection is cut, and what came meanwhile is when it is back", async () => {
  const broker = memoryBroker();
  const [one, two] = [await connected(broker), await connected(broker)];
  const states: ConnectionState[] = [];
  const listener = await listen(one, {}, (delivery) => {
    states.push(one.state());
    if (textOf(delivery) === "a" && delivery.attempt === 1) one.cut();
    else void ack(delivery);
  });
  await publish(two, outgoing("a"), outgoing("b"));
  await settled();
  expect([listener.texts(), states]).toEqual([
    ["a", "a", "b"],
    ["ready", "ready", "ready"],
  ]);
  // Confirmed, and not yet handed over.
  await publish(two, outgoing("c"));
  one.cut();
  await settled();
  expect(listener.texts()).toEqual(["a", "a", "b", "c"]);
});

test("54. connect to a broker that is stopped fails with TRANSPORT_UNAVAILABLE, and later succeeds", async () => {
  const broker = memoryBroker();
  broker.stop();
  const transport = memory({ broker });
  await expect(transport.connect()).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE", retryable: true });
  expect(transport.state()).toBe("failed");
  broker.start();
  await transport.connect();
  expect(transport.state()).toBe("ready");
  broker.stop();
  await expect(transport.connect()).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  await expect(listen(transport)).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  await transport.close();
  await expect(listen(transport)).rejects.toMatchObject({ code: "USAGE_CLOSED" });
});

test("56. close leaves no timer behind, neither of a publish that waits nor of a message that is delayed", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  await listen(transport, {}, (delivery) => delivery.settle({ kind: "retry", delayMs: 1000, attempt: 1 }));
  await publish(transport, outgoing("a"));
  await settled();
  expect(clock.pendingTimers()).toBe(1);
  await transport.close();
  expect(clock.pendingTimers()).toBe(0);
  expect(broker.inspect().groups).toMatchObject([{ delayed: 1 }]);
});

test("57. connect with an aborted signal rejects and opens nothing; no listener stays on a signal", async () => {
  const transport = memory();
  const reason = new Error("changed my mind");
  await expect(transport.connect({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await settled();
  expect(transport.state()).toBe("closed");
  const abort = new AbortController();
  const connecting = transport.connect({ signal: abort.signal });
  abort.abort(reason);
  await expect(connecting).rejects.toBe(reason);
  await settled();
  expect(transport.state()).toBe("closed");
  const late = new AbortController();
  const opening = transport.connect({ signal: late.signal });
  await Promise.resolve();
  await Promise.resolve();
  expect(transport.state()).toBe("connecting");
  late.abort(reason);
  await expect(opening).rejects.toBe(reason);
  await settled();
  expect(transport.state()).toBe("closed");
  const { signal } = new AbortController();
  await transport.connect({ signal });
  await transport.publisher.publish([outgoing("a")], { deadlineMs: 10, signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await transport.close();
});

test("a receiver that throws is a fault of its subscription, and the others get their messages", async () => {
  const transport = await connected();
  const listener = await listen(transport, {}, (delivery) => {
    if (textOf(delivery) === "a") throw new Error("receive must not throw");
    void ack(delivery);
  });
  await publish(transport, outgoing("a"), outgoing("b"));
  await settled();
  expect(listener.texts()).toEqual(["a", "b"]);
  expect(listener.faults).toMatchObject([{ code: "TRANSPORT_FAILED" }]);
});
