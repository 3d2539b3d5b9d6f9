import { defineConsumer, immediate, MessagingError, noRetry, type MemoryStore } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderPlaced, Ticked } from "./support/events.ts";
import { createWorld, settled, type World } from "./support/world.ts";

class Gone extends Error {}

interface Fragile {
  readonly store: MemoryStore;
  down: boolean;
  /** How often somebody tried to begin while it was down. */
  refused: number;
}

/** A store whose database can go away. */
function fragile(world: World): Fragile {
  const store = world.store();
  const state: Fragile = {
    down: false,
    refused: 0,
    store: {
      ...store,
      isUnavailable: (error) => error instanceof Gone,
      transaction: async (work, options) => {
        if (!state.down) return store.transaction(work, options);
        state.refused += 1;
        throw new Gone("connection refused");
      },
    },
  };
  return state;
}

describe("while the database is away", () => {
  test("nothing is counted, the intake is paused, and afterwards everything goes on", async () => {
    const world = createWorld();
    const database = fragile(world);
    const service = await world.storing(database.store);
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { store: database.store, retry: noRetry(), maxInFlight: 2 }).on(
      Ticked,
      (_, { attempt }) => {
        attempts.push(attempt);
      },
    );
    const subscription = await service.consume(consumer);
    database.down = true;
    await service.publishBatch([1, 2, 3, 4].map((n) => Ticked({ n })));
    await until("it was noticed", () => database.refused === 2);
    await world.clock.advance(60_000);
    expect(world.group("g")).toMatchObject({ unsettled: 2, queued: 2, deadLetters: 0 });
    const triedBefore = database.refused;
    expect(triedBefore).toBeLessThan(40);
    database.down = false;
    await world.clock.advance(15_000);
    await world.drained("g");
    expect(attempts).toEqual([1, 1, 1, 1]);
    expect(subscription.counts()).toMatchObject({ handled: 4, retried: 0, "dead-lettered": 0 });
    const said = world.logger.lines.filter(({ message }) => message.includes("database"));
    expect(said.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "warn: The database cannot be reached; the consumer waits and counts nothing",
      "info: The database is back",
    ]);
  });

  test("what is published meanwhile stays with the broker, however much room there is here", async () => {
    const world = createWorld();
    const database = fragile(world);
    const service = await world.storing(database.store);
    await service.consume(
      defineConsumer("g", { store: database.store, maxInFlight: 100 }).on(Ticked, () => {}),
    );
    database.down = true;
    await service.publish(Ticked({ n: 1 }));
    await until("it was noticed", () => database.refused === 1);
    await service.publishBatch([2, 3].map((n) => Ticked({ n })));
    await settled();
    expect(world.group("g")).toMatchObject({ unsettled: 1, queued: 2 });
    database.down = false;
    await world.drainedInTime("g");
  });

  test("a commit that fails for it is tried again, and its work is done once", async () => {
    const world = createWorld();
    const store = world.store();
    let failing = true;
    const dying: MemoryStore = {
      ...store,
      isUnavailable: (error) => error instanceof Gone,
      transaction: (work, options) =>
        store.transaction(async (tx) => {
          const result = await work(tx);
          if (failing) {
            failing = false;
            throw new Gone("the connection broke before COMMIT");
          }
          return result;
        }, options),
    };
    const service = await world.storing(dying);
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { store: dying, retry: noRetry() }).on(
      Ticked,
      async ({ data }, { tx, attempt }) => {
        attempts.push(attempt);
        await tx.put("rows", String(data.n), 1);
      },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(attempts).toEqual([1, 1]);
    expect(store.rows("rows").size).toBe(1);
  });

  test("closing gives back what waits for it, uncounted", async () => {
    const world = createWorld();
    const database = fragile(world);
    const service = await world.storing(database.store);
    const subscription = await service.consume(
      defineConsumer("g", { store: database.store }).on(Ticked, () => {}),
    );
    database.down = true;
    await service.publish(Ticked({ n: 1 }));
    await until("it was noticed", () => database.refused === 1);
    await subscription.close();
    expect(subscription.counts()).toMatchObject({ released: 1, "dead-lettered": 0 });
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
  });

  test("a broker that goes away too, with all that waited, does not leave the consumer asleep", async () => {
    const world = createWorld();
    const database = fragile(world);
    const service = await world.storing(database.store);
    const seen: number[] = [];
    await service.consume(
      defineConsumer("g", { store: database.store }).on(Ticked, ({ data }) => void seen.push(data.n)),
    );
    database.down = true;
    await service.publish(Ticked({ n: 1 }));
    await until("it was noticed", () => database.refused === 1);
    world.broker.stop();
    await settled();
    database.down = false;
    world.broker.start();
    await world.clock.advance(15_000);
    await until("the message is done", () => seen.length === 1);
  });

  test("a key is held through it, so that order is kept", async () => {
    const world = createWorld();
    const database = fragile(world);
    const service = await world.storing(database.store);
    const seen: number[] = [];
    const consumer = defineConsumer("g", { store: database.store, ordering: "key" }).on(
      OrderPlaced,
      ({ data }) => void seen.push(data.n),
    );
    await service.consume(consumer);
    database.down = true;
    await service.publishBatch([1, 2, 3].map((n) => OrderPlaced({ orderId: "a", n })));
    await until("it was noticed", () => database.refused >= 1);
    database.down = false;
    await world.drainedInTime("g");
    expect(seen).toEqual([1, 2, 3]);
  });
});

test("a handler whose own connection to something else is refused has failed: the database is asked, and it answers", async () => {
  const world = createWorld();
  const database = fragile(world);
  const service = await world.storing(database.store);
  let calls = 0;
  const consumer = defineConsumer("g", { store: database.store, retry: immediate({ attempts: 2 }) }).on(
    Ticked,
    () => {
      calls += 1;
      throw new Gone("the payment service refused the connection");
    },
  );
  const subscription = await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(calls).toBe(2);
  expect(subscription.counts()).toMatchObject({ retried: 1, "dead-lettered": 1 });
  expect(world.logger.lines.filter(({ message }) => message.includes("database"))).toEqual([]);
});

describe("a conflict with another transaction", () => {
  const conflict = () => new MessagingError("STORE_FAILED", "deadlock", { context: { reason: "deadlock" } });

  test("is run again at once and costs no attempt, five times in a row", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(Ticked, (_, { attempt }) => {
      attempts.push(attempt);
      if (attempts.length <= 5) throw conflict();
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
    expect(subscription.counts()).toMatchObject({ handled: 1, retried: 0 });
  });

  test("is bound: one that never ends is dead-lettered by policy", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    let calls = 0;
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(Ticked, () => {
      calls += 1;
      throw conflict();
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(calls).toBe(6);
    expect(subscription.counts()["dead-lettered"]).toBe(1);
  });

  test("between two real transactions ends well for both", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(Ticked, async ({ data }, { tx }) => {
      const [first, second] = data.n === 1 ? ["a", "b"] : ["b", "a"];
      await tx.put("rows", first, data.n);
      await settled();
      await tx.put("rows", second, data.n);
    });
    const subscription = await service.consume(consumer);
    await service.publishBatch([1, 2].map((n) => Ticked({ n })));
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ handled: 2, retried: 0, "dead-lettered": 0 });
  });
});
