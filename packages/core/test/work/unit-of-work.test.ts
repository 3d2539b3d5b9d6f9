import { memoryStore, type MemoryTx, type UnitOfWork } from "@postrider/core";
import { expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { listenTo, numbersOf } from "../support/listener.ts";
import { Cancelled, Placed, Ship, slowEvent, Ticked } from "../support/orders.ts";
import { place, serviceOn, storeOn } from "../support/services.ts";

const orders = "com.acme.orders";

/** A service whose relay works, its unit of work, and what arrives at the broker. */
async function running() {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  const { arrived } = await listenTo(here.broker, orders, "com.acme.ticks");
  const units = messaging.unitOfWork();
  /** Everything that was committed has left. */
  const relayed = () => here.clock.runUntil(async () => (await store.relay.status()).backlog === 0);
  return { here, store, messaging, arrived, units, relayed };
}

test("89. a unit that commits publishes its events with its changes; one that rolls back does neither", async () => {
  const { store, units, arrived, relayed } = await running();
  const answer = await units.run(async ({ tx, publish }) => {
    await tx.put("orders", "1", { total: 5 });
    publish(Placed({ orderId: "1", n: 1 }));
    return "done";
  });
  const failed = units.run(async ({ tx, publish }) => {
    await tx.put("orders", "2", { total: 5 });
    publish(Placed({ orderId: "2", n: 2 }));
    throw new RangeError("no such customer");
  });
  await expect(failed).rejects.toThrow(new RangeError("no such customer"));
  await relayed();
  await until("it arrived", () => arrived.length > 0);
  expect(answer).toBe("done");
  expect(numbersOf(arrived)).toEqual([1]);
  expect([...store.rows("orders").keys()]).toEqual(["1"]);
});

test("89. what was added inside a savepoint that rolls back is not published, and the rest of the transaction is", async () => {
  const { store, messaging, arrived, relayed } = await running();
  await store.transaction(async (tx) => {
    await messaging.outbox.add(tx, Ticked({ n: 1 }));
    const inner = tx.savepoint(async () => {
      await messaging.outbox.add(tx, Ticked({ n: 2 }));
      throw new Error("only this part");
    });
    await expect(inner).rejects.toThrow("only this part");
    await messaging.outbox.add(tx, Ticked({ n: 3 }));
  });
  await relayed();
  await until("both arrived", () => arrived.length === 2);
  expect(numbersOf(arrived)).toEqual([1, 3]);
});

test("nothing leaves before the commit, and the wake-up after it cuts the relay's wait short", async () => {
  const { here, units, arrived } = await running();
  await here.clock.advance(20_000); // the relay is idle and looks once a second
  let go = (): void => undefined;
  const committing = units.run(async ({ publish }) => {
    publish(Ticked({ n: 1 }));
    await new Promise<void>((resolve) => (go = resolve));
  });
  await here.clock.advance(5_000);
  expect(arrived).toEqual([]);
  go();
  await committing;
  await here.clock.advance(0);
  expect(numbersOf(arrived)).toEqual([1]);
});

test("a unit that wrote events wakes the relay, one that wrote none does not", async () => {
  const here = place();
  const store = storeOn(here);
  let signals = 0;
  const signal = (): void => void (signals += 1);
  const messaging = await serviceOn(here, {
    relay: false,
    store: { ...store, outbox: { ...store.outbox, signal } },
  });
  await messaging.unitOfWork().run(async () => undefined);
  expect(signals).toBe(0);
  await messaging.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 1 })));
  expect(signals).toBe(1);
});

test("90. two publishes of one unit are one ordered set, and one statement", async () => {
  const here = place();
  const store = storeOn(here);
  const appended: (readonly string[])[] = [];
  const { append } = store.outbox;
  const messaging = await serviceOn(here, {
    relay: false,
    store: {
      ...store,
      outbox: {
        ...store.outbox,
        append: (tx, events) => {
          appended.push(events.map(({ id }) => id));
          return append(tx, events);
        },
      },
    },
  });
  const units = messaging.unitOfWork();
  await units.run(async ({ publish, publishLater }) => {
    publishLater(() => Placed({ orderId: "1" }, { id: "late" }));
    publish(Placed({ orderId: "1" }, { id: "a" }), Cancelled({ orderId: "1" }, { id: "b" }));
    await Promise.resolve();
    publish(Ticked({ n: 1 }, { id: "c" }));
  });
  await units.run(async () => undefined);
  expect(appended).toEqual([["a", "b", "c", "late"]]);
});

test("publishLater sees the latest state: it runs when the work is done, and may publish, too", async () => {
  const { units, arrived, relayed } = await running();
  await units.run(async ({ tx, publish, publishLater }) => {
    publishLater(async () => {
      const order = (await tx.get("orders", "1")) as { readonly total: number };
      return [Ticked({ n: order.total }), Ticked({ n: order.total + 1 })];
    });
    publishLater(() => undefined);
    publishLater(() => publish(Ticked({ n: 100 })) as undefined);
    publishLater(() => publishLater(() => Ticked({ n: 101 })) as undefined);
    await tx.put("orders", "1", { total: 1 });
    await tx.put("orders", "1", { total: 2 });
    publish(Ticked({ n: 0 }));
  });
  await relayed();
  await until("all arrived", () => arrived.length === 5);
  expect(numbersOf(arrived)).toEqual([0, 2, 3, 100, 101]);
});

test("afterCommit runs after the commit, in order, and a hook that fails is logged and stops nobody", async () => {
  const { here, store, units } = await running();
  const log: unknown[] = [];
  await units.run(async ({ tx, afterCommit }) => {
    afterCommit(async () => void log.push(store.rows("orders").get("1")));
    afterCommit(() => {
      throw new Error("the cache is away");
    });
    afterCommit(() => Promise.reject(new Error("the mail server is away")));
    afterCommit(() => void log.push("last"));
    await tx.put("orders", "1", "changed");
    log.push(store.rows("orders").get("1"));
  });
  expect(log).toEqual([undefined, "changed", "last"]);
  expect(here.logger.lines.map(({ level, context }) => [level, context?.["reason"]])).toEqual([
    ["error", "the cache is away"],
    ["error", "the mail server is away"],
  ]);
});

test("afterCommit does not run after a roll-back, and not when the commit fails", async () => {
  const { store, units } = await running();
  const log: string[] = [];
  await expect(
    units.run(async ({ afterCommit }) => {
      afterCommit(() => void log.push("rolled back"));
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  await expect(
    units.run(async ({ afterCommit }) => {
      afterCommit(() => void log.push("commit failed"));
      store.clear();
    }),
  ).rejects.toMatchObject({ code: "STORE_FAILED" });
  expect(log).toEqual([]);
});

test("a hook after the commit stands outside of the unit: it may publish directly", async () => {
  const { messaging, units, arrived } = await running();
  await units.run(async ({ afterCommit }) => {
    afterCommit(async () => {
      expect(units.current()).toBeUndefined();
      await messaging.publish(Ticked({ n: 7 }));
    });
  });
  await until("it arrived", () => arrived.length === 1);
  expect(numbersOf(arrived)).toEqual([7]);
});

test("a unit inside another joins it: one transaction, and the inner events leave with the outer commit only", async () => {
  const { units, arrived, relayed, store } = await running();
  const inside = () =>
    units.run(async ({ tx, publish }) => {
      publish(Ticked({ n: 2 }));
      await tx.put("orders", "inner", 1);
      return tx;
    });
  await units.run(async (outer) => {
    outer.publish(Ticked({ n: 1 }));
    expect(await inside()).toBe(outer.tx);
    expect(units.current()).toBe(outer);
    expect(store.rows("orders").size).toBe(0);
    outer.publish(Ticked({ n: 3 }));
  });
  await expect(
    units.run(async () => {
      await inside();
      throw new Error("the outer one fails");
    }),
  ).rejects.toThrow("the outer one fails");
  await relayed();
  await until("all arrived", () => arrived.length === 3);
  expect(numbersOf(arrived)).toEqual([1, 2, 3]);
});

test("a unit inside that failed makes the outer one roll back, whoever caught its error", async () => {
  const { units, arrived, relayed, store } = await running();
  const cause = new RangeError("out of stock");
  const hooks: string[] = [];
  const outcome = units.run(async ({ tx, publish, publishLater, afterCommit }) => {
    publish(Ticked({ n: 1 }));
    publishLater(() => void hooks.push("built"));
    afterCommit(() => void hooks.push("committed"));
    await tx.put("orders", "outer", 1);
    const inside = units.run(async (inner) => {
      inner.publish(Ticked({ n: 2 }));
      await inner.tx.put("orders", "inner", 1);
      throw cause;
    });
    await expect(inside).rejects.toBe(cause);
    return "went on";
  });
  const error: unknown = await outcome.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "USAGE_ROLLBACK_ONLY", retryable: false, cause });
  expect(String(error)).toContain("RangeError");
  expect(String(error)).not.toContain("out of stock");
  await units.run(async ({ publish }) => publish(Ticked({ n: 3 })));
  await relayed();
  await until("the next unit's event arrived", () => arrived.length > 0);
  expect([numbersOf(arrived), [...store.rows("orders").keys()], hooks]).toEqual([[3], [], []]);
});

test("of several units inside that failed the first is the cause, at any depth, and a late builder's counts too", async () => {
  const { units, store } = await running();
  const fail = (text: string) => units.run(() => Promise.reject(new Error(text))).catch(() => undefined);
  const deep = units.run(async () => {
    await units.run(() => fail("first"));
    await fail("second");
  });
  await expect(deep).rejects.toMatchObject({ code: "USAGE_ROLLBACK_ONLY", cause: { message: "first" } });
  const late = units.run(async ({ tx, publishLater }) => {
    await tx.put("orders", "late", 1);
    publishLater(() => fail("late"));
  });
  await expect(late).rejects.toMatchObject({ code: "USAGE_ROLLBACK_ONLY", cause: { message: "late" } });
  expect(store.rows("orders").size).toBe(0);
});

test("a unit inside that throws at once fails the outer one, too", async () => {
  const { units } = await running();
  const outcome = units.run(async () => {
    const throws = (): Promise<void> => {
      throw new Error("before its first await");
    };
    await units.run(throws).catch(() => undefined);
  });
  await expect(outcome).rejects.toMatchObject({ code: "USAGE_ROLLBACK_ONLY" });
});

test("an error of a unit inside that is let through is the outer unit's own", async () => {
  const { units } = await running();
  const cause = new Error("of the inner one");
  await expect(units.run(() => units.run(() => Promise.reject(cause)))).rejects.toBe(cause);
});

test("a unit inside that asks another isolation is refused before it begins, and the outer one can go on", async () => {
  const { units, store } = await running();
  let began = 0;
  const inside = (isolation?: "read committed" | "serializable") =>
    units.run(async () => void (began += 1), { isolation });
  await units.run(async ({ tx }) => {
    const refused = inside("serializable");
    await expect(refused).rejects.toMatchObject({
      code: "USAGE_ISOLATION_MISMATCH",
      context: { asked: "serializable", has: "default" },
    });
    expect(began).toBe(0);
    await inside();
    await tx.put("orders", "outer", 1);
  });
  await units.run(
    async () => {
      await inside("serializable"); // the same is no other
      await expect(inside("read committed")).rejects.toMatchObject({ code: "USAGE_ISOLATION_MISMATCH" });
      await units.run(async () => {
        await expect(inside("read committed")).rejects.toMatchObject({ code: "USAGE_ISOLATION_MISMATCH" });
      });
    },
    { isolation: "serializable" },
  );
  expect([began, store.rows("orders").size]).toEqual([2, 1]);
});

test("units that run at the same time do not mix", async () => {
  const { units, arrived, relayed } = await running();
  const gates: (() => void)[] = [];
  const all = [1, 2, 3, 4].map((n) =>
    units.run(async (unit) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      expect(units.current()).toBe(unit);
      units.current()?.publish(Placed({ orderId: String(n), n }));
      await Promise.resolve();
      if (n % 2 === 0) throw new Error(`unit ${n}`);
    }),
  );
  await until("all are inside", () => gates.length === 4);
  expect(units.current()).toBeUndefined();
  for (const open of gates.toReversed()) open();
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "rejected",
  ]);
  await relayed();
  await until("both arrived", () => arrived.length === 2);
  expect(
    numbersOf(arrived)
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual([1, 3]);
});

test("a direct publish inside a unit is refused: its event could leave although the change is rolled back", async () => {
  const { messaging, units, here } = await running();
  await units.run(async () => {
    for (const call of [
      () => messaging.publish(Ticked({ n: 1 })),
      () => messaging.publishBatch([Ticked({ n: 1 })]),
      () =>
        messaging.forward({ specversion: "1.0", id: "1", source: "/a", type: "com.acme.ticks.ticked.v1" }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "USAGE_INSIDE_TRANSACTION", retryable: false });
    }
  });
  expect(here.broker.inspect().channels.every(({ retained }) => retained === 0)).toBe(true);
});

test("after its end a unit takes nothing, and says that something was not awaited", async () => {
  const { units } = await running();
  let kept: UnitOfWork<MemoryTx> | undefined;
  await units.run(async (unit) => {
    kept = unit;
  });
  const closed = expect.objectContaining({ code: "USAGE_UNIT_CLOSED" });
  expect(() => kept?.publish(Ticked({ n: 1 }))).toThrow(closed);
  expect(() => kept?.publishLater(() => undefined)).toThrow(closed);
  expect(() => kept?.afterCommit(() => undefined)).toThrow(closed);
  await expect(kept?.tx.get("orders", "1")).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
});

test("a unit after the close commits, and its events wait in the outbox for the next relay", async () => {
  const { here, store, messaging, units, arrived } = await running();
  await messaging.close();
  await units.run(async ({ tx, publish }) => {
    await tx.put("orders", "1", "placed");
    publish(Placed({ orderId: "1" }));
  });
  expect(store.rows("orders").size).toBe(1);
  expect((await store.relay.status()).backlog).toBe(1);
  await serviceOn(here, { store });
  await until("the event arrived", () => arrived.length === 1);
});

test("what was started inside a unit and outlives it is inside of nothing: it may open units and publish", async () => {
  const { messaging, units, arrived, relayed } = await running();
  let leave = (): void => undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  let background: Promise<void> | undefined;
  await units.run(async () => {
    background = left.then(async () => {
      expect(units.current()).toBeUndefined();
      await messaging.publish(Ticked({ n: 1 }));
      await units.run(async ({ publish }) => publish(Ticked({ n: 2 })));
    });
  });
  leave();
  await background;
  await relayed();
  await until("both arrived", () => arrived.length === 2);
  expect(numbersOf(arrived)).toEqual([1, 2]);
});

test("64. an event that does not match its schema rolls everything back, and the error is the original one", async () => {
  const { store, units } = await running();
  const failing = units.run(async ({ tx, publish }) => {
    await tx.put("orders", "1", 1);
    publish(Placed({ orderId: "1" }), Ticked({ n: "none" as never }));
  });
  await expect(failing).rejects.toMatchObject({ name: "ValidationError", issues: [{ path: ["n"] }] });
  expect(store.rows("orders").size).toBe(0);
  expect((await store.relay.status()).backlog).toBe(0);
});

test("what is no draft of an event is refused where publish is called", async () => {
  const { units } = await running();
  await units.run(async ({ publish }) => {
    const refusal = expect.objectContaining({ code: "USAGE_WRONG_KIND" });
    expect(() => publish(Ship({ orderId: "1" }) as never)).toThrow(refusal);
    expect(() => publish(Placed as never)).toThrow(refusal);
    expect(() => publish([Ticked({ n: 1 })] as never)).toThrow(refusal);
  });
});

test("asynchronous schemas are awaited inside the transaction, and the order is that of the publishes", async () => {
  const { units, arrived, relayed } = await running();
  const { Slow, answer, waiting } = slowEvent();
  const committing = units.run(async ({ publish }) => {
    publish(Slow({ orderId: "1", note: "a" }, { id: "1" }), Placed({ orderId: "1" }, { id: "2" }));
  });
  await until("it is being validated", () => waiting.size === 1);
  answer("a");
  await committing;
  await relayed();
  await until("both arrived", () => arrived.length === 2);
  expect(arrived.map(({ id }) => id)).toEqual(["1", "2"]);
});

test("a transactor that runs the work again after a conflict does not double its events", async () => {
  const here = place();
  const store = storeOn(here);
  const { transaction } = store;
  let runs = 0;
  const messaging = await serviceOn(here, {
    relay: false,
    store: {
      ...store,
      transaction: async (work, options) => {
        const again = transaction(async (tx) => {
          await work(tx);
          throw new Error("serialization failure");
        }, options).catch(() => transaction(work, options));
        return again;
      },
    },
  });
  await messaging.unitOfWork().run(async ({ publish }) => {
    runs += 1;
    publish(Ticked({ n: runs }));
  });
  expect(runs).toBe(2);
  expect((await store.relay.status()).backlog).toBe(1);
});

test("the isolation level is handed to the store", async () => {
  const here = place();
  const store = memoryStore();
  const { transaction } = store;
  const asked: unknown[] = [];
  const messaging = await serviceOn(here, {
    relay: false,
    store: {
      ...store,
      transaction: (work, options) => {
        asked.push(options);
        return transaction(work, options);
      },
    },
  });
  await messaging.unitOfWork().run(async () => undefined, { isolation: "serializable" });
  expect(asked).toEqual([{ isolation: "serializable" }]);
});
