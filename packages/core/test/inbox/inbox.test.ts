import { defineConsumer, immediate, noRetry } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { OrderPlaced, StockReserved, Ticked } from "../consume/support/events.ts";
import { changed, eager } from "../consume/support/transports.ts";
import { createGate, createWorld, settled, type World } from "../consume/support/world.ts";
import { until } from "../support/recorder.ts";

const same = (n: number) => Ticked({ n }, { id: "the-same" });
const retained = (world: World, channel: string) =>
  world.broker.inspect().channels.find((one) => one.channel === channel)?.retained ?? 0;

describe.each(["store", "memory"] as const)("with inbox '%s'", (inbox) => {
  const given = async (world: World) => {
    const store = world.store();
    const service = inbox === "store" ? await world.storing(store) : await world.service();
    return { service, store };
  };

  test("114. the same id twice, one after the other, is worked on once, and both are acknowledged", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const seen: number[] = [];
    const subscription = await service.consume(
      defineConsumer("g", { inbox }).on(Ticked, ({ data }) => void seen.push(data.n)),
    );
    await service.publish(same(1));
    await world.drained("g");
    await service.publish(same(2));
    await world.drained("g");
    expect(seen).toEqual([1]);
    expect(subscription.counts()).toMatchObject({ handled: 1, duplicate: 1 });
  });

  test("115. copies that are under way at the same time are worked on once; the others wait, and are acknowledged", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const gate = createGate();
    let calls = 0;
    const consumer = defineConsumer("g", { inbox, concurrency: 5 }).on(Ticked, async () => {
      calls += 1;
      await gate.opened;
    });
    const subscription = await service.consume(consumer);
    await service.publishBatch([1, 2, 3, 4, 5].map(same));
    await until("all are under way", () => world.group("g").unsettled === 5);
    await settled();
    expect(calls).toBe(1);
    gate.open();
    await world.drained("g");
    expect(calls).toBe(1);
    expect(subscription.counts()).toMatchObject({ handled: 1, duplicate: 4 });
  });

  test("121. a failed attempt can run again, also in another copy that waited for it", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const gate = createGate();
    const seen: number[] = [];
    const consumer = defineConsumer("g", { inbox, concurrency: 2, retry: noRetry() }).on(
      Ticked,
      async ({ data }) => {
        seen.push(data.n);
        await gate.opened;
        if (data.n === 1) throw new Error("the first copy fails");
      },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([same(1), same(2)]);
    await until("both are under way", () => world.group("g").unsettled === 2 && seen.length === 1);
    gate.open();
    await world.drained("g");
    expect(seen).toEqual([1, 2]);
    expect(subscription.counts()).toMatchObject({ handled: 1, duplicate: 0, "dead-lettered": 1 });
  });

  test("121. a message that failed in this delivery works in the next", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { inbox, retry: immediate({ attempts: 3 }) }).on(
      Ticked,
      (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error("not yet");
      },
    );
    await service.consume(consumer);
    await service.publish(same(1));
    await world.drained("g");
    await service.publish(same(2));
    await world.drained("g");
    expect(attempts).toEqual([1, 2, 3]);
  });

  test("118. the same id of another source is another message, and two consumers of one event each work on it", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const seen: string[] = [];
    for (const name of ["a", "b"]) {
      await service.consume(
        defineConsumer(name, { inbox }).on(Ticked, ({ source }) => void seen.push(`${name} ${source}`)),
      );
    }
    await service.publish(same(1));
    world.broker.inject(Ticked.channel, {
      attributes: { specversion: "1.0", id: "the-same", source: "/other", type: Ticked.type },
      contentType: "application/json",
      body: Buffer.from('{"n":2}'),
    });
    await world.drained("a");
    await world.drained("b");
    expect(seen.sort()).toEqual(["a /other", "a /test", "b /other", "b /test"]);
  });

  test("119. copies in one batch reach the handler once", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const batches: number[][] = [];
    const consumer = defineConsumer("g", { inbox }).onBatch(
      Ticked,
      (events) => void batches.push(events.map(({ data }) => data.n)),
      {
        maxSize: 4,
        maxWaitMs: 5,
      },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([same(1), Ticked({ n: 7 }), same(2), same(3)]);
    await world.drainedInTime("g");
    expect(batches).toEqual([[1, 7]]);
    expect(subscription.counts()).toMatchObject({ handled: 2, duplicate: 2 });
  });

  test("119. two batches that hold each other's ids in different order do not wait for each other for ever", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const seen: string[] = [];
    const consumer = defineConsumer("g", { inbox, concurrency: 2 }).onBatch(
      Ticked,
      async (events) => {
        await settled();
        seen.push(...events.map(({ id }) => id));
      },
      { maxSize: 2, maxWaitMs: 5 },
    );
    await service.consume(consumer);
    await service.publishBatch(["a", "b", "b", "a"].map((id, n) => Ticked({ n }, { id })));
    await world.drainedInTime("g");
    expect(seen.sort()).toEqual(["a", "b"]);
  });

  test("119. a message taken out of a batch is not marked, and works the next time", async () => {
    const world = createWorld();
    const { service } = await given(world);
    const runs: number[][] = [];
    const consumer = defineConsumer("g", { inbox, retry: immediate({ attempts: 2 }) }).onBatch(
      Ticked,
      (events, { fail, delivery }) => {
        runs.push(events.map(({ data }) => data.n));
        for (const event of events)
          if (event.data.n === 1 && delivery(event).attempt === 1) fail(event, new Error("later"));
      },
      { maxSize: 2, maxWaitMs: 5 },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([1, 2].map((n) => Ticked({ n })));
    await world.drainedInTime("g");
    expect(runs).toEqual([[1, 2], [1]]);
    expect(subscription.counts()).toMatchObject({ handled: 2, duplicate: 0 });
  });
});

test("115. the same id on 10 consumers of one group at once works once, and all are acknowledged", async () => {
  const world = createWorld();
  const store = world.store();
  const consumer = defineConsumer("g", { store }).on(Ticked, async (_, { tx }) => {
    await settled();
    await tx.put("rows", "count", Number((await tx.get("rows", "count")) ?? 0) + 1);
  });
  const members = await Promise.all(
    Array.from({ length: 10 }, async () => (await world.storing(store)).consume(consumer)),
  );
  await (await world.service()).publishBatch(Array.from({ length: 10 }, (_, n) => same(n)));
  await world.drained("g");
  const counts = members.map((member) => member.counts());
  expect(store.rows("rows").get("count")).toBe(1);
  expect(counts.map(({ handled, duplicate }) => handled + duplicate)).toEqual(
    Array.from({ length: 10 }, () => 1),
  );
  expect(counts.reduce((sum, { handled }) => sum + handled, 0)).toBe(1);
});

describe("116. the handler's writes, the inbox mark and what it publishes", () => {
  test("commit together", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const gate = createGate();
    const consumer = defineConsumer("g", { store }).on(Ticked, async (_, { tx, publish }) => {
      await tx.put("rows", "a", 1);
      publish(StockReserved({ orderId: "1" }));
      await gate.opened;
    });
    await service.relay?.stop();
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    await settled();
    expect([store.rows("rows").size, (await store.relay.status()).backlog]).toEqual([0, 0]);
    gate.open();
    await world.drained("g");
    expect([store.rows("rows").size, (await store.relay.status()).backlog]).toEqual([1, 1]);
  });

  test("leave nothing when the handler fails after them", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    let fail = true;
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(
      Ticked,
      async (_, { tx, publish }) => {
        await tx.put("rows", "a", 1);
        publish(StockReserved({ orderId: "1" }));
        if (fail) throw new Error("after all of it");
      },
    );
    await service.relay?.stop();
    const subscription = await service.consume(consumer);
    await service.publish(same(1));
    await world.drained("g");
    expect([store.rows("rows").size, (await store.relay.status()).backlog]).toEqual([0, 0]);
    fail = false;
    await service.publish(same(2));
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ handled: 1, duplicate: 0 });
  });

  test("leave nothing when the outbox refuses what was published", async () => {
    const world = createWorld();
    const store = world.store();
    const refusing = {
      ...store,
      outbox: {
        ...store.outbox,
        append: () => Promise.reject(new Error("no such table")),
      },
    };
    const service = await world.storing(refusing);
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(
      Ticked,
      async (_, { tx, publish }) => {
        await tx.put("rows", "a", 1);
        publish(StockReserved({ orderId: "1" }));
      },
    );
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(store.rows("rows").size).toBe(0);
    expect(subscription.counts()["dead-lettered"]).toBe(1);
  });

  test("leave nothing when the commit fails", async () => {
    const world = createWorld();
    const store = world.store();
    const failing: typeof store = {
      ...store,
      transaction: (work, options) =>
        store.transaction(async (tx) => {
          const result = await work(tx);
          if ((await tx.get("rows", "a")) !== undefined) throw new Error("a deferred constraint of that row");
          return result;
        }, options),
    };
    const service = await world.storing(failing);
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(
      Ticked,
      async (_, { tx, publish }) => {
        await tx.put("rows", "a", 1);
        publish(StockReserved({ orderId: "1" }));
      },
    );
    await service.relay?.stop();
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect([store.rows("rows").size, (await store.relay.status()).backlog]).toEqual([0, 0]);
    expect(subscription.counts()["dead-lettered"]).toBe(1);
  });

  test("without a store, what was published is confirmed before the message is acknowledged, else it is tried again", async () => {
    const world = createWorld({ maxQueuedMessages: 1 });
    const service = await world.service();
    const full = await world.service();
    const other = await full.consume(
      defineConsumer("other", { inbox: "none" }).on(StockReserved, () => new Promise(() => {})),
    );
    await full.publish(StockReserved({ orderId: "fills it" }));
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { inbox: "memory", retry: immediate({ attempts: 3 }) }).on(
      Ticked,
      (_, { publish, attempt }) => {
        attempts.push(attempt);
        publish(StockReserved({ orderId: String(attempt) }));
      },
    );
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(attempts).toEqual([1, 2, 3]);
    expect(subscription.counts()).toMatchObject({ handled: 0, "dead-lettered": 1 });
    expect(retained(world, StockReserved.channel)).toBe(1);
    await Promise.all([other.close({ drainMs: 0 }), world.clock.advance(10)]);
  });
});

test("with members 'each' every instance works on every message, also on one database", async () => {
  const world = createWorld();
  const store = world.store();
  const seen: string[] = [];
  for (const instance of ["a", "b", "c"]) {
    const service = await world.storing(store);
    await service.consume(
      defineConsumer("caches", { members: "each" }).on(Ticked, () => void seen.push(instance)),
    );
  }
  await (await world.service()).publish(Ticked({ n: 1 }));
  await until("all three have it", () => seen.length === 3);
  expect(seen.sort()).toEqual(["a", "b", "c"]);
});

test("with inbox 'none' every copy is worked on, in a batch and in a transaction too", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const sizes: number[] = [];
  await service.consume(
    defineConsumer("g", { inbox: "none" }).onBatch(Ticked, (events) => void sizes.push(events.length), {
      maxSize: 3,
      maxWaitMs: 5,
    }),
  );
  await service.publishBatch([same(1), same(2), same(3)]);
  await world.drainedInTime("g");
  expect(sizes).toEqual([3]);
});

test("120. a mark that was pruned lets a late copy work again: keep marks longer than a broker redelivers", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const seen: number[] = [];
  await service.consume(defineConsumer("g", { store }).on(Ticked, ({ data }) => void seen.push(data.n)));
  await service.publish(same(1));
  await world.drained("g");
  await world.clock.advance(60_000);
  expect(await store.inbox.prune({ olderThanMs: 59_000 })).toBe(1);
  await service.publish(same(2));
  await world.drained("g");
  expect(seen).toEqual([1, 2]);
});

test("36. copies of keyed messages keep order behind an inbox, too", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store, { transport: eager(world) });
  const seen: number[] = [];
  await service.consume(
    defineConsumer("g", { store, ordering: "key" }).on(OrderPlaced, ({ data }) => void seen.push(data.n)),
  );
  const event = (n: number) => OrderPlaced({ orderId: "k", n }, { id: `id-${n}` });
  await service.publishBatch([1, 1, 2, 1, 3, 2].map(event));
  await world.drained("g");
  expect(seen).toEqual([1, 2, 3]);
});

test("117. a crash after the commit leaves one effect, however often the process dies", async () => {
  const world = createWorld();
  const store = world.store();
  const consumer = defineConsumer("g", { store, startAt: "beginning" }).on(Ticked, async (_, { tx }) => {
    await tx.put("rows", "count", Number((await tx.get("rows", "count")) ?? 0) + 1);
  });
  await (await world.service()).publish(Ticked({ n: 1 }));
  for (let life = 0; life < 3; life += 1) {
    const transport = changed(world, {
      delivery: (delivery) => ({ ...delivery, settle: async () => transport.crash() }),
    });
    const service = await world.storing(store, { transport });
    await service.consume(consumer);
    await until("it died", () => transport.state() === "failed");
  }
  expect(store.rows("rows").get("count")).toBe(1);
  expect(world.group("g").queued).toBe(1);
});
