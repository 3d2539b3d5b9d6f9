import {
  defineConsumer,
  fixed,
  immediate,
  noRetry,
  onError,
  Reject,
  type MemoryTransport,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderCancelled, OrderPlaced, StockReserved, Ticked } from "./support/events.ts";
import { eager } from "./support/transports.ts";
import { createGate, createWorld, settled, type World } from "./support/world.ts";

const placed = (key: string, n: number) => OrderPlaced({ orderId: key, n });

/** The same with a broker that keeps the order of a key, and with one that leaves it to core. */
const transports: readonly (readonly [string, (world: World) => MemoryTransport | undefined])[] = [
  ["a broker that keeps order", () => undefined],
  ["a broker that hands over all", eager],
];

describe.each(transports)("with %s", (_, transportOf) => {
  test("33. one consumer works on the messages of a key in their order", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const seen: number[] = [];
    const consumer = defineConsumer("g", { inbox: "none", ordering: "key" }).on(
      OrderPlaced,
      async ({ data }) => {
        if (data.n % 2 === 0) await settled();
        seen.push(data.n);
      },
    );
    await service.consume(consumer);
    await service.publishBatch(Array.from({ length: 20 }, (_, n) => placed("k", n)));
    await world.drained("g");
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test("35. the next message of a key waits for the acknowledgement of the one before; other keys go on", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const gate = createGate();
    const seen: string[] = [];
    const consumer = defineConsumer("g", { inbox: "none", ordering: "key" }).on(
      OrderPlaced,
      async ({ data }) => {
        seen.push(`${data.orderId}${data.n}`);
        if (data.orderId === "a" && data.n === 1) await gate.opened;
      },
    );
    await service.consume(consumer);
    await service.publishBatch([placed("a", 1), placed("a", 2), placed("b", 1), placed("b", 2)]);
    await until("the other key is done", () => seen.includes("b2"));
    await settled();
    expect(seen).toEqual(["a1", "b1", "b2"]);
    gate.open();
    await world.drained("g");
    expect(seen).toEqual(["a1", "b1", "b2", "a2"]);
  });

  test("36. a key is held through the retries of its message, and other keys go on", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const seen: string[] = [];
    const retry = fixed({ attempts: 3, delayMs: 10_000 });
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      retry,
      concurrency: 1,
      maxInFlight: 10,
    }).on(OrderPlaced, ({ data }, { attempt }) => {
      seen.push(`${data.orderId}${data.n}#${attempt}`);
      if (data.orderId === "a" && data.n === 1 && attempt < 3) throw new Error("not yet");
    });
    await service.consume(consumer);
    await service.publishBatch([placed("a", 1), placed("a", 2), placed("b", 1)]);
    await until("the other key is done", () => seen.includes("b1#1"));
    await world.clock.advance(9_999);
    expect(seen).toEqual(["a1#1", "b1#1"]);
    await world.drainedInTime("g");
    expect(seen).toEqual(["a1#1", "b1#1", "a1#2", "a1#3", "a2#1"]);
  });

  test("36. with onExhausted 'skip' a used-up message goes to the dead letters, and its key goes on", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const seen: number[] = [];
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      retry: immediate({ attempts: 2 }),
    }).on(OrderPlaced, ({ data }) => {
      seen.push(data.n);
      if (data.n === 1) throw new Error("never");
    });
    await service.consume(consumer);
    await service.publishBatch([placed("a", 1), placed("a", 2)]);
    await world.drainedInTime("g");
    expect(seen).toEqual([1, 1, 2]);
    expect(world.group("g").deadLetters).toBe(1);
  });

  test("36. with onExhausted 'hold-key' a used-up message is tried for ever, and its key alone waits", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const seen: string[] = [];
    let cured = false;
    const retry = immediate({ attempts: 2 });
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      onExhausted: "hold-key",
      retry,
    }).on(OrderPlaced, ({ data }) => {
      seen.push(`${data.orderId}${data.n}`);
      if (data.orderId === "a" && data.n === 1 && !cured) throw new Error("until somebody cures it");
    });
    await service.consume(consumer);
    await service.publishBatch([placed("a", 1), placed("a", 2), placed("b", 1)]);
    await world.clock.advance(10_000);
    // Twice by the policy, then once a second, although the policy says at once.
    expect(seen.filter((one) => one === "a1").length).toBe(2 + 10);
    expect(seen.filter((one) => one !== "a1")).toEqual(["b1"]);
    expect(world.group("g").deadLetters).toBe(0);
    cured = true;
    await world.drainedInTime("g");
    expect(seen.slice(-2)).toEqual(["a1", "a2"]);
  });

  test("messages of different types with one key in one channel keep their order", async () => {
    const world = createWorld();
    const service = await world.service({ transport: transportOf(world) });
    const seen: string[] = [];
    const consumer = defineConsumer("g", { inbox: "none", ordering: "key" })
      .on(OrderPlaced, async () => {
        await settled();
        seen.push("placed");
      })
      .on(OrderCancelled, () => void seen.push("cancelled"));
    await service.consume(consumer);
    await service.publishBatch([placed("a", 1), OrderCancelled({ orderId: "a" }), placed("a", 2)]);
    await world.drained("g");
    expect(seen).toEqual(["placed", "cancelled", "placed"]);
  });
});

test("34. 16 keys keep their order over 10 consumers of one group", async () => {
  const world = createWorld();
  const producer = await world.service();
  const seen = new Map<string, number[]>();
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key" }).on(
    OrderPlaced,
    async ({ data }) => {
      if (data.n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      seen.set(data.orderId, [...(seen.get(data.orderId) ?? []), data.n]);
    },
  );
  for (let member = 0; member < 10; member += 1) await (await world.service()).consume(consumer);
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const keys = Array.from({ length: 16 }, (_, key) => `key-${key}`);
  for (const n of numbers) await producer.publishBatch(keys.map((key) => placed(key, n)));
  await world.drained("g");
  expect([...seen.values()]).toEqual(keys.map(() => numbers));
});

test("36. what an error rule pauses goes back, and with it everything of its key, so that nothing overtakes it", async () => {
  const world = createWorld();
  const service = await world.service({ transport: eager(world) });
  const seen: string[] = [];
  let down = true;
  const errors = [onError((error) => error.message === "down", "pause")];
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key", errors }).on(
    OrderPlaced,
    async ({ data }) => {
      await settled();
      if (down) throw new Error("down");
      seen.push(`${data.orderId}${data.n}`);
    },
  );
  const subscription = await service.consume(consumer);
  await service.publishBatch([placed("a", 1), placed("a", 2), placed("a", 3)]);
  await until("it is paused", () => subscription.counts().paused === 1);
  await until("all are back", () => world.group("g").unsettled === 0);
  expect(world.group("g").queued).toBe(3);
  expect(subscription.counts().released).toBe(2);
  down = false;
  subscription.resume();
  await world.drained("g");
  expect(seen).toEqual(["a1", "a2", "a3"]);
});

test("36. of a batch that runs one by one, what stands behind a paused message of its key goes back untried", async () => {
  const world = createWorld();
  const service = await world.service({ transport: eager(world) });
  const seen: string[][] = [];
  const errors = [onError((error) => error.message === "down", "pause")];
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key", errors }).onBatch(
    OrderPlaced,
    (batch) => {
      seen.push(batch.map(({ data }) => `${data.orderId}${data.n}`));
      if (batch.some(({ data }) => data.orderId === "a")) throw new Error("down");
    },
    { maxSize: 4, maxWaitMs: 1_000 },
  );
  const subscription = await service.consume(consumer);
  await service.publishBatch([placed("a", 1), placed("b", 1), placed("a", 2), placed("a", 3)]);
  await until("it is paused", () => subscription.counts().paused === 1);
  await until("all are back or done", () => world.group("g").unsettled === 0);
  expect(seen[0]).toEqual(["a1", "b1", "a2", "a3"]);
  expect(seen.slice(1)).toEqual([["a1"], ["b1"]]);
  expect(subscription.counts()).toMatchObject({ handled: 1, paused: 1, released: 2 });
  expect(world.group("g").queued).toBe(3);
});

test("the same key in two channels is two keys", async () => {
  const world = createWorld();
  const service = await world.service({ transport: eager(world) });
  const gate = createGate();
  const seen: string[] = [];
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key" })
    .on(OrderPlaced, () => gate.opened)
    .on(StockReserved, () => void seen.push("stock"));
  await service.consume(consumer);
  await service.publish(placed("a", 1));
  await service.publish(StockReserved({ orderId: "a" }));
  await until("the other channel goes on", () => seen.length === 1);
  gate.open();
  await world.drained("g");
});

test("messages without a key wait for nobody, also where order by key was asked for", async () => {
  const world = createWorld();
  const service = await world.service();
  const gate = createGate();
  const seen: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key" }).on(Ticked, async ({ data }) => {
    if (data.n === 1) await gate.opened;
    seen.push(data.n);
  });
  await service.consume(consumer);
  await service.publishBatch([Ticked({ n: 1 }), Ticked({ n: 2 })]);
  await until("the second is done", () => seen.length === 1);
  gate.open();
  await world.drained("g");
  expect(seen).toEqual([2, 1]);
});

test("36. without ordering a retry lets later messages of its key pass: that is what ordering 'key' is for", async () => {
  const world = createWorld();
  const service = await world.service();
  const seen: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", retry: fixed({ attempts: 2, delayMs: 1_000 }) }).on(
    OrderPlaced,
    ({ data }, { attempt }) => {
      if (data.n === 1 && attempt === 1) throw new Error("later");
      seen.push(data.n);
    },
  );
  await service.consume(consumer);
  await service.publishBatch([placed("a", 1), placed("a", 2)]);
  await world.drainedInTime("g");
  expect(seen).toEqual([2, 1]);
});

test("36. a rejected message of a key goes to the dead letters before the next of its key begins", async () => {
  const world = createWorld();
  const service = await world.service({ transport: eager(world) });
  const lettersAtSecond: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", ordering: "key", retry: noRetry() }).on(
    OrderPlaced,
    ({ data }) => {
      if (data.n === 1) throw new Reject("never");
      lettersAtSecond.push(world.group("g").deadLetters);
    },
  );
  await service.consume(consumer);
  await service.publishBatch([placed("a", 1), placed("a", 2)]);
  await world.drained("g");
  expect(lettersAtSecond).toEqual([1]);
});
