import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineConsumer, immediate } from "@postrider/core";
import { expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderPlaced, Ticked } from "./support/events.ts";
import { unsettledOf } from "./support/transports.ts";
import { createGate, createWorld, settled } from "./support/world.ts";

const ticks = (count: number) => Array.from({ length: count }, (_, n) => Ticked({ n }));

/** Counts how many run at once. */
function createCounter() {
  const at = { now: 0, most: 0 };
  return {
    at,
    during: async (work: () => Promise<void>): Promise<void> => {
      at.now += 1;
      at.most = Math.max(at.most, at.now);
      try {
        await work();
      } finally {
        at.now -= 1;
      }
    },
  };
}

test("37. concurrency N is reached and never exceeded, retries included", async () => {
  const world = createWorld();
  const service = await world.service();
  const counter = createCounter();
  const gate = createGate();
  const consumer = defineConsumer("g", {
    inbox: "none",
    concurrency: 5,
    maxInFlight: 50,
    retry: immediate({ attempts: 2 }),
  }).on(Ticked, ({ data }, { attempt }) =>
    counter.during(async () => {
      await gate.opened;
      await new Promise((resolve) => setImmediate(resolve));
      if (data.n % 3 === 0 && attempt === 1) throw new Error("again");
    }),
  );
  await service.consume(consumer);
  await service.publishBatch(ticks(60));
  await until("five run", () => counter.at.now === 5);
  await settled();
  expect(counter.at.most).toBe(5);
  gate.open();
  await world.drained("g");
  expect(counter.at.most).toBe(5);
});

test("37. concurrency 1 runs one handler at a time, over all types and keys", async () => {
  const world = createWorld();
  const service = await world.service();
  const counter = createCounter();
  const turn = () => counter.during(() => new Promise((resolve) => setImmediate(resolve)));
  const consumer = defineConsumer("g", { inbox: "none", concurrency: 1, ordering: "key" })
    .on(Ticked, turn)
    .on(OrderPlaced, turn);
  await service.consume(consumer);
  await service.publishBatch([...ticks(10), ...["a", "b"].map((orderId) => OrderPlaced({ orderId }))]);
  await world.drained("g");
  expect(counter.at.most).toBe(1);
});

test("37. a batch counts as one handler", async () => {
  const world = createWorld();
  const service = await world.service();
  const counter = createCounter();
  const gate = createGate();
  const consumer = defineConsumer("g", { inbox: "none", concurrency: 2, maxInFlight: 100 }).onBatch(
    Ticked,
    () => counter.during(() => gate.opened),
    { maxSize: 10, maxWaitMs: 1 },
  );
  await service.consume(consumer);
  await service.publishBatch(ticks(50));
  await until("two batches run", () => counter.at.now === 2);
  await settled();
  gate.open();
  await world.drained("g");
  expect(counter.at.most).toBe(2);
});

test("39. no more than maxInFlight messages are ever held, however slow the handlers", async () => {
  const world = createWorld();
  const service = await world.service();
  const gate = createGate();
  let most = 0;
  const consumer = defineConsumer("g", { inbox: "none", concurrency: 2, maxInFlight: 7 }).on(
    Ticked,
    async () => {
      most = Math.max(most, unsettledOf(world.broker, "g"));
      await gate.opened;
    },
  );
  await service.consume(consumer);
  await service.publishBatch(ticks(100));
  await until("the bound is reached", () => world.group("g").unsettled === 7);
  await settled();
  expect(world.group("g")).toMatchObject({ unsettled: 7, queued: 93 });
  gate.open();
  await world.drained("g");
  expect(most).toBe(7);
});

test("39. memory stays flat, whatever number of messages has passed", async () => {
  const world = createWorld({ retainedMessages: 1 });
  const service = await world.service();
  let handled = 0;
  const consumer = defineConsumer("g", { inbox: "none", maxInFlight: 200, ordering: "key" }).on(
    OrderPlaced,
    () => {
      handled += 1;
    },
  );
  await service.consume(consumer);
  const orders = Array.from({ length: 500 }, (_, n) => OrderPlaced({ orderId: `order-${n}` }));
  const pass = async (rounds: number): Promise<number> => {
    const target = handled + rounds * orders.length;
    for (let round = 0; round < rounds; round += 1) await service.publishBatch(orders);
    await until("all are handled", () => handled === target);
    return heapBytes();
  };
  const before = await pass(2);
  const timers = world.clock.pendingTimers();
  const after = await pass(5);
  // 2,500 messages more: a leak of one small object each would already be more.
  expect(after - before).toBeLessThan(250_000);
  expect(world.clock.pendingTimers()).toBe(timers);
});

/** What is reachable, after a collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  return process.memoryUsage().heapUsed;
}
