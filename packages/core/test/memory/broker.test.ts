import { expect, test } from "vitest";
import type { Settlement } from "../../src/contracts/subscription.ts";
import { memoryBroker } from "../../src/memory/broker/broker.ts";
import { memory, memoryDriver, transport as driver } from "../../src/memory/transport/transport.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { ack, connected, listen, outgoing, publish, settled, statuses, textOf } from "./support/clients.ts";

test("148. clear forgets everything, twice as once", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock });
  const transport = await connected(broker);
  const settlements = new Map<string, Settlement>([
    ["dead", { kind: "dead-letter", letter: outgoing("letter") }],
    ["later", { kind: "retry", delayMs: 1000, attempt: 1 }],
  ]);
  const listener = await listen(transport, {}, (delivery) => {
    const settlement = settlements.get(textOf(delivery));
    if (settlement !== undefined) void delivery.settle(settlement);
  });
  await publish(
    transport,
    outgoing("dead"),
    outgoing("later"),
    outgoing("held"),
    outgoing("x", { channel: "stock" }),
  );
  await settled();
  expect(broker.inspect()).toMatchObject({ groups: [{ unsettled: 1, delayed: 1, deadLetters: 1 }] });
  broker.clear();
  // The subscription stays bound; what it held is lost.
  const bound = { group: "shipping", members: "share", channels: ["orders"] };
  const cleared = {
    running: true,
    channels: [{ channel: "orders", retained: 0 }],
    groups: [{ ...bound, queued: 0, unsettled: 0, delayed: 0, deadLetters: 0 }],
    deadLetters: [],
  };
  expect(broker.inspect()).toEqual(cleared);
  expect(listener.deliveries[2]?.signal.aborted).toBe(true);
  await listener.deliveries[2]?.settle({ kind: "release" });
  broker.clear();
  await settled();
  expect(broker.inspect()).toEqual(cleared);
  expect(clock.pendingTimers()).toBe(0);
  await publish(transport, outgoing("new"));
  await settled();
  expect(listener.texts()).toEqual(["dead", "later", "held", "new"]);
  await transport.close();
  broker.clear();
  expect(broker.inspect()).toEqual(memoryBroker().inspect());
});

test("inject is a client that knows nothing of us: no attributes, any bytes", async () => {
  const broker = memoryBroker();
  const transport = await connected(broker);
  const { deliveries } = await listen(transport, {}, ack);
  broker.inject("orders", { body: Uint8Array.of(255, 0) });
  await settled();
  expect(deliveries.map(({ message }) => message)).toEqual([
    {
      channel: "orders",
      key: undefined,
      attributes: {},
      headers: {},
      contentType: undefined,
      body: Uint8Array.of(255, 0),
    },
  ]);
});

test("inject throws what the broker refuses", () => {
  const broker = memoryBroker({ maxMessageBytes: 3 });
  expect(() => broker.inject("orders", { body: Buffer.alloc(4) })).toThrow(/4 bytes, and 3 is the limit/);
  broker.stop();
  expect(() => broker.inject("orders", {})).toThrow(/stopped/);
});

test("options are checked together, and the error names each problem", () => {
  expect(() =>
    memoryBroker({ retainedMessages: 0, maxQueuedMessages: 1.5, maxMessageBytes: Number.NaN }),
  ).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      problems: [
        "retainedMessages: must be a whole number from 1, is 0",
        "maxQueuedMessages: must be a whole number from 1, is 1.5",
        "maxMessageBytes: must be a whole number from 1, is NaN",
      ],
    }),
  );
  const wrong: object = { broker: {}, missingChannel: "ignore" };
  expect(() => memory(wrong)).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      problems: [
        "broker: must be what memoryBroker() returned",
        "missingChannel: must be 'create' or 'reject', is 'ignore'",
      ],
    }),
  );
});

test("a subscription is checked as a whole, and the error names each problem", async () => {
  const transport = await connected();
  const request = { group: "", channels: [], startAt: new Date(Number.NaN), maxInFlight: 0 };
  await expect(listen(transport, request)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [
      "group: must not be empty",
      "channels: must name at least one",
      "startAt: is no valid date",
      "maxInFlight: must be a whole number from 1, is 0",
    ],
  });
});

test("the capabilities are frozen, and name what the broker takes", () => {
  const { capabilities } = memory({ broker: memoryBroker({ maxMessageBytes: 77 }) });
  expect(Object.isFrozen(capabilities)).toBe(true);
  expect(capabilities).toEqual({
    transport: "memory",
    orderingScope: "group",
    nativeDelay: true,
    nativeDeadLetter: false,
    deliveryCount: true,
    leaseExtension: false,
    nativeDedupeWindowMs: 0,
    wildcards: false,
    fanOut: true,
    replay: true,
    maxMessageBytes: 77,
    orderedPipelining: true,
    requestReply: true,
  });
});

test("the driver of a broker makes transports to it; the plain one makes a broker for each", async () => {
  const clock = fakeClock();
  const broker = memoryBroker({ clock, maxMessageBytes: 77 });
  const config = { url: "memory://", options: undefined, clock };
  const [one, two] = [memoryDriver(broker).create(config), memoryDriver(broker).create(config)];
  const alone = driver.create(config);
  await Promise.all([one, two, alone].map((each) => each.connect()));
  expect([
    memoryDriver(broker).kind,
    memoryDriver(broker).schemes,
    memoryDriver(broker).capabilities.maxMessageBytes,
  ]).toEqual(["memory", ["memory"], 77]);
  expect(driver.capabilities).toEqual(alone.capabilities);
  const received: string[] = [];
  const request = {
    group: "shipping",
    channels: [{ channel: "orders", types: "all" as const }],
    ordering: "none" as const,
    members: "share" as const,
    startAt: "new" as const,
    maxInFlight: 1,
    onFault: () => undefined,
  };
  await two.consumer.subscribe(request, (delivery) => void received.push(textOf(delivery)));
  for (const each of [one, alone]) {
    expect(statuses(await each.publisher.publish([outgoing("a")], { deadlineMs: 10 }))).toEqual([
      "confirmed",
    ]);
  }
  await settled();
  expect(received).toEqual(["a"]);
  await Promise.all([one, two, alone].map((each) => each.close()));
});

test("a URL with an address is refused: brokers in memory have none", () => {
  const clock = fakeClock();
  for (const url of ["memory://", "memory:", undefined]) driver.create({ url, options: undefined, clock });
  expect(() => driver.create({ url: "memory://shop", options: undefined, clock })).toThrow(
    /give transports the same memoryBroker/,
  );
});
