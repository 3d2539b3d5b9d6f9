import {
  defineConsumer,
  defineEvent,
  fixed,
  immediate,
  isMessagingError,
  noRetry,
  Reject,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { until } from "../support/recorder.ts";
import { OrderPlaced, StockReserved, Ticked } from "./support/events.ts";
import { eager, withoutDelay } from "./support/transports.ts";
import { createGate, createWorld, settled } from "./support/world.ts";

const ticks = (count: number, from = 0) => Array.from({ length: count }, (_, n) => Ticked({ n: from + n }));

describe("a batch begins", () => {
  test("83. when it is full, without waiting", async () => {
    const world = createWorld();
    const service = await world.service();
    const batches: number[][] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      (events) => void batches.push(events.map(({ data }) => data.n)),
      { maxSize: 3, maxWaitMs: 60_000 },
    );
    await service.consume(consumer);
    await service.publishBatch(ticks(7));
    await until("two full batches are done", () => batches.length === 2);
    await settled();
    expect(batches).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(world.group("g").unsettled).toBe(1);
  });

  test("83., 85. when its first message is old enough, however steadily others trickle in", async () => {
    const world = createWorld();
    const service = await world.service();
    const batches: { readonly atMs: number; readonly size: number }[] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      (events) => void batches.push({ atMs: world.clock.monotonicMs(), size: events.length }),
      { maxSize: 100, maxWaitMs: 50 },
    );
    await service.consume(consumer);
    for (let n = 0; n < 12; n += 1) {
      await service.publish(Ticked({ n }));
      await settled();
      await world.clock.advance(10);
    }
    expect(batches).toEqual([
      { atMs: 50, size: 5 },
      { atMs: 100, size: 5 },
    ]);
  });

  test("83. when the consumer stops", async () => {
    const world = createWorld();
    const service = await world.service();
    const sizes: number[] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      (events) => void sizes.push(events.length),
      {
        maxSize: 100,
        maxWaitMs: 60_000,
      },
    );
    await service.publish(Ticked({ n: 0 }));
    const timersOfPublishing = world.clock.pendingTimers();
    const subscription = await service.consume(consumer);
    await service.publishBatch(ticks(4));
    await until("all are collected", () => world.group("g").unsettled === 4);
    await subscription.close();
    expect(sizes).toEqual([4]);
    expect(subscription.counts()).toMatchObject({ handled: 4, released: 0 });
    expect(world.clock.pendingTimers()).toBe(timersOfPublishing);
  });
});

describe("one bad message in a batch", () => {
  test("84. that the handler takes out with fail() is retried and dead-lettered alone; the others commit", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const sizes: number[] = [];
    const consumer = defineConsumer("g", { store, retry: immediate({ attempts: 3 }) }).onBatch(
      Ticked,
      async (events, { tx, fail }) => {
        sizes.push(events.length);
        for (const event of events) {
          if (event.data.n === 1) fail(event, new Error("bad entry"));
          else await tx.put("rows", String(event.data.n), 1);
        }
      },
      { maxSize: 4, maxWaitMs: 5 },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch(ticks(4));
    await world.drainedInTime("g");
    expect([...store.rows("rows").keys()].sort()).toEqual(["0", "2", "3"]);
    expect(sizes).toEqual([4, 1, 1]);
    expect(subscription.counts()).toMatchObject({ handled: 3, retried: 2, "dead-lettered": 1 });
  });

  test("84. that breaks the contract never reaches the handler; the others do, in one batch", async () => {
    const world = createWorld();
    const service = await world.service();
    const batches: number[][] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      (events) => void batches.push(events.map(({ data }) => data.n)),
      { maxSize: 3, maxWaitMs: 5 },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 0 }));
    world.broker.inject(Ticked.channel, {
      attributes: { specversion: "1.0", id: "bad", source: "/elsewhere", type: Ticked.type },
      contentType: "application/json",
      body: Buffer.from('{"n":"text"}'),
    });
    await service.publish(Ticked({ n: 2 }));
    await world.drainedInTime("g");
    expect(batches).toEqual([[0, 2]]);
    expect(world.group("g").deadLetters).toBe(1);
  });

  test("84. whose handler throws rolls the whole batch back; its messages then run one by one, and only the bad one counts", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const runs: (readonly [size: number, attempt: number])[] = [];
    const consumer = defineConsumer("g", { store, retry: noRetry() }).onBatch(
      Ticked,
      async (events, { tx, delivery, publish }) => {
        runs.push([events.length, delivery(events[0]).attempt]);
        for (const event of events) {
          await tx.put("rows", String(event.data.n), events.length);
          publish(StockReserved({ orderId: String(event.data.n) }));
        }
        if (events.some(({ data }) => data.n === 1)) throw new Error("bad entry");
      },
      { maxSize: 3, maxWaitMs: 5 },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch(ticks(3));
    await world.drainedInTime("g");
    expect(runs).toEqual([
      [3, 1],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    expect(store.rows("rows")).toEqual(
      new Map([
        ["0", 1],
        ["2", 1],
      ]),
    );
    expect(subscription.counts()).toMatchObject({ handled: 2, retried: 0, "dead-lettered": 1 });
    await until("only what was done was told", () =>
      world.broker
        .inspect()
        .channels.some(({ channel, retained }) => channel === StockReserved.channel && retained === 2),
    );
  });

  test("84. that waits here for its retry keeps nobody of its batch from being acknowledged", async () => {
    const world = createWorld();
    const service = await world.service({ transport: withoutDelay(eager(world)) });
    const consumer = defineConsumer("g", {
      inbox: "none",
      retry: fixed({ attempts: 2, delayMs: 60_000 }),
    }).onBatch(
      Ticked,
      (events, { fail, delivery }) => {
        for (const event of events)
          if (event.data.n === 0 && delivery(event).attempt === 1) fail(event, new Error("later"));
      },
      { maxSize: 3, maxWaitMs: 5 },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch(ticks(3));
    await until("the others are acknowledged", () => world.group("g").unsettled === 1);
    expect(subscription.counts()).toMatchObject({ handled: 2, retried: 1 });
    await world.drainedInTime("g");
    expect(subscription.counts().handled).toBe(3);
  });

  test("84. holds the lane of its own key only", async () => {
    const world = createWorld();
    const service = await world.service({ transport: eager(world) });
    const seen: string[] = [];
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      maxInFlight: 100,
      retry: fixed({ attempts: 2, delayMs: 60_000 }),
    }).onBatch(
      OrderPlaced,
      (events, { fail, delivery }) => {
        for (const event of events) {
          const { orderId, n } = event.data;
          if (orderId === "a" && delivery(event).attempt === 1) fail(event, new Error("later"));
          else seen.push(`${orderId}${n}`);
        }
      },
      { maxSize: 2, maxWaitMs: 5 },
    );
    await service.consume(consumer);
    await service.publishBatch([OrderPlaced({ orderId: "a", n: 1 }), OrderPlaced({ orderId: "b", n: 1 })]);
    await until("the first batch is over", () => seen.length === 1);
    await service.publishBatch([OrderPlaced({ orderId: "b", n: 2 }), OrderPlaced({ orderId: "a", n: 2 })]);
    await world.clock.advance(1_000);
    expect(seen).toEqual(["b1", "b2"]);
    await world.drainedInTime("g");
    expect(seen).toEqual(["b1", "b2", "a1", "a2"]);
  });

  test("36. that a later message of its key would overtake rolls the batch back", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store, { transport: eager(world) });
    const consumer = defineConsumer("g", {
      store,
      ordering: "key",
      retry: fixed({ attempts: 3, delayMs: 10 }),
    }).onBatch(
      OrderPlaced,
      async (events, { tx, fail, delivery }) => {
        for (const event of events) {
          const { orderId, n } = event.data;
          if (n === 1 && delivery(event).attempt === 1) fail(event, new Error("later"));
          else
            await tx.put("orders", orderId, [
              ...(((await tx.get("orders", orderId)) as number[] | undefined) ?? []),
              n,
            ]);
        }
      },
      { maxSize: 3, maxWaitMs: 5 },
    );
    await service.consume(consumer);
    await service.publishBatch([1, 2, 3].map((n) => OrderPlaced({ orderId: "a", n })));
    await world.drainedInTime("g");
    expect(store.rows("orders").get("a")).toEqual([1, 2, 3]);
  });

  test("36. whose schema fails for the moment is not overtaken by a later message of its key", async () => {
    const world = createWorld();
    let failing = true;
    const Checked = defineEvent("test.orders.order-checked.v1", {
      data: z.object({ key: z.string(), n: z.number() }).refine(({ n }) => {
        if (n === 1 && failing) throw new Error("the registry is away");
        return true;
      }),
      key: ({ key }) => key,
    });
    failing = false;
    const service = await world.service({ transport: eager(world) });
    const seen: number[] = [];
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      retry: fixed({ attempts: 3, delayMs: 10 }),
    }).onBatch(Checked, (events) => void seen.push(...events.map(({ data }) => data.n)), {
      maxSize: 3,
      maxWaitMs: 5,
    });
    await service.consume(consumer);
    await service.publishBatch([1, 2, 3].map((n) => Checked({ key: "a", n })));
    failing = true;
    await world.clock.advance(6);
    expect(seen).toEqual([]);
    failing = false;
    await world.drainedInTime("g");
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe("the context of a batch", () => {
  test("tells what belongs to each message, and refuses what is not of it", async () => {
    const world = createWorld();
    const service = await world.service();
    const thrown: unknown[] = [];
    const catching = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        thrown.push(error);
      }
    };
    let late = () => {};
    const tenants: (string | undefined)[] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      (events, { fail, delivery }) => {
        tenants.push(...events.map((event) => delivery(event).tenant));
        catching(() => fail({ ...events[0] }, new Error("a copy")));
        catching(() => delivery({ ...events[0] }));
        late = () => fail(events[0], new Error("late"));
      },
      { maxSize: 2, maxWaitMs: 5 },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([Ticked({ n: 1 }, { tenant: "acme" }), Ticked({ n: 2 }, { tenant: "emca" })]);
    await world.drainedInTime("g");
    catching(late);
    expect(tenants).toEqual(["acme", "emca"]);
    expect(thrown.map((error) => isMessagingError(error) && error.code)).toEqual([
      "USAGE_WRONG_KIND",
      "USAGE_WRONG_KIND",
      "USAGE_UNIT_CLOSED",
    ]);
    expect(subscription.counts().handled).toBe(2);
  });

  test("Reject in fail() dead-letters at once", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "none" }).onBatch(
      Ticked,
      ([first], { fail }) => fail(first, new Reject("never")),
      {
        maxSize: 2,
        maxWaitMs: 5,
      },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch(ticks(2));
    await world.drainedInTime("g");
    expect(subscription.counts()).toMatchObject({ handled: 1, retried: 0, "dead-lettered": 1 });
  });
});

test("a batch that a close gives up goes back whole, and nothing of it is committed", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const gate = createGate();
  const consumer = defineConsumer("g", { store }).onBatch(
    Ticked,
    async (events, { tx }) => {
      for (const event of events) await tx.put("rows", String(event.data.n), 1);
      await gate.opened;
    },
    { maxSize: 3, maxWaitMs: 5 },
  );
  const subscription = await service.consume(consumer);
  await service.publishBatch(ticks(3));
  await until("it runs", () => world.group("g").unsettled === 3);
  await settled();
  const closing = subscription.close({ drainMs: 100 });
  await world.clock.advance(100);
  await closing;
  gate.open();
  await settled();
  expect(store.rows("rows").size).toBe(0);
  expect(world.group("g")).toMatchObject({ queued: 3, unsettled: 0, deadLetters: 0 });
  expect(subscription.counts().released).toBe(3);
});
