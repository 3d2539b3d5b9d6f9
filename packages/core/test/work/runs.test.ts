import { defineConsumer, domainFailureOf, domainHandlers, fixed, type MemoryTx } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { failureOf } from "../support/failure.ts";
import { Placed, Ticked } from "../support/orders.ts";
import { until } from "../support/recorder.ts";
import { place, serviceOn, storeOn } from "../support/services.ts";
import { registerSdk } from "../telemetry/support/sdk.ts";
import { accountOf, Billed, keeping, Ordered, Reserved, saveAccount } from "./support.ts";

const handlers = () => domainHandlers<MemoryTx>();

describe("running again", () => {
  test("a serialization failure runs the whole again from fresh state, and nothing of the first run is left", async () => {
    const { here, messaging, store, appended } = await keeping();
    const handled: number[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, ({ data: { n } }, { publish }) => {
          handled.push(n);
          publish(Ticked({ n }));
        })
        .on(Ordered, (_event, { meta }) => void ids.push(meta.unitId)),
    );
    const ids: string[] = [];
    await store.transaction((tx) => tx.put("accounts", "a", 1));
    let runs = 0;
    const running = units.run(
      async ({ tx, track }) => {
        runs += 1;
        const account = track(accountOf("a", Number(await tx.get("accounts", "a"))), saveAccount);
        if (runs === 1) await store.transaction((other) => other.put("accounts", "b", 5));
        await tx.get("accounts", "b");
        if (runs <= 2) await store.transaction((other) => other.put("accounts", "b", runs));
        account.change(10, Ordered({ n: runs }));
        return runs;
      },
      { retries: 2, isolation: "serializable" },
    );
    await here.clock.runUntil(() => appended.length === 3);
    expect(await running).toBe(3);
    expect(handled).toEqual([1, 2, 3]);
    expect(new Set(ids).size).toBe(3);
    expect(store.rows("accounts").get("a")).toBe(11);
  });

  test("without retries, when they are used up, and after any other failure, it is not run again", async () => {
    const { here, messaging, store } = await keeping();
    const units = messaging.unitOfWork();
    let runs = 0;
    const collide = (retries?: number) =>
      units.run(
        async ({ tx }) => {
          runs += 1;
          await tx.get("accounts", "a");
          await store.transaction((other) => other.put("accounts", "a", runs));
        },
        { isolation: "serializable", retries },
      );
    await expect(collide()).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(runs).toBe(1);
    let settled = false;
    const twice = failureOf(collide(1)).finally(() => (settled = true));
    await here.clock.runUntil(() => settled);
    expect(await twice).toMatchObject({ code: "STORE_FAILED" });
    expect(runs).toBe(3);
    const fails = units.run(
      () => {
        runs += 1;
        return Promise.reject(new Error("no"));
      },
      { retries: 5 },
    );
    await expect(fails).rejects.toThrow("no");
    expect(runs).toBe(4);
  });

  test("an aggregate that was made outside of the work is refused in the second run: its events would be lost", async () => {
    const { here, messaging, store } = await keeping();
    const outside = accountOf("a");
    outside.change(1, Ordered({ n: 1 }));
    let settled = false;
    const running = failureOf(
      messaging.unitOfWork().run(
        async ({ tx, track }) => {
          track(outside, saveAccount);
          await tx.get("accounts", "b");
          await store.transaction((other) => other.put("accounts", "b", Math.random()));
        },
        { retries: 3, isolation: "serializable" },
      ),
    ).finally(() => (settled = true));
    await here.clock.runUntil(() => settled);
    expect(await running).toMatchObject({ code: "USAGE_STALE_AGGREGATE" });
  });
});

describe("a unit inside another", () => {
  test("brings its handlers: events of either are handled by the handlers of both, each once", async () => {
    const { messaging } = await keeping();
    const log: string[] = [];
    const shared = handlers().on(Ordered, () => void log.push("shared"));
    const outer = messaging.unitOfWork(shared.on(Reserved, () => void log.push("outer")));
    const inner = messaging.unitOfWork(shared.on(Ordered, () => void log.push("inner")));
    await outer.run(async ({ record }) => {
      record(Ordered({ n: 1 }));
      await inner.run(async (unit) => unit.record(Reserved({ n: 2 })));
    });
    expect(log).toEqual(["shared", "inner", "outer"]);
  });

  test("that fails in a handler of a domain event makes the whole roll back, and stops the handlers", async () => {
    const { messaging, store } = await keeping();
    const log: string[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, async () => {
          await units.run(() => Promise.reject(new Error("inside"))).catch(() => log.push("caught"));
        })
        .on(Ordered, () => void log.push("next")),
    );
    const outcome = units.run(async ({ tx, record }) => {
      await tx.put("accounts", "a", 1);
      record(Ordered({ n: 1 }));
    });
    await expect(outcome).rejects.toMatchObject({
      code: "USAGE_ROLLBACK_ONLY",
      cause: { message: "inside" },
    });
    expect([log, store.rows("accounts").size]).toEqual([["caught"], 0]);
  });

  test("with requires-new has a transaction of its own, which stays when the outer one rolls back", async () => {
    const { messaging, store, transactions } = await keeping();
    const units = messaging.unitOfWork(
      handlers().on(Ordered, (_event, { tx }) => tx.put("accounts", "audit", 1)),
    );
    const outcome = units.run(
      async (outer) => {
        await outer.tx.put("accounts", "outer", 1);
        await units.run(
          async ({ tx, record, meta }) => {
            expect(tx).not.toBe(outer.tx);
            expect(meta).toMatchObject({ tenant: "acme", correlationId: outer.meta.correlationId });
            expect(meta.unitId).not.toBe(outer.meta.unitId);
            record(Ordered({ n: 1 }));
          },
          { propagation: "requires-new" },
        );
        expect(units.current()).toBe(outer);
        throw new Error("outer");
      },
      { tenant: "acme" },
    );
    await expect(outcome).rejects.toThrow("outer");
    expect([[...store.rows("accounts").keys()], transactions()]).toEqual([["audit"], 2]);
  });

  test("with requires-new is refused where there is one connection: it would wait for ever", async () => {
    const here = place();
    const store = storeOn(here);
    for (const one of [
      { ...store, transactions: "serial" as const },
      { ...store, poolSize: 1 },
    ]) {
      const units = (await serviceOn(here, { store: one, relay: false })).unitOfWork();
      const inside = () => units.run(async () => "fine", { propagation: "requires-new" });
      await expect(units.run(inside)).rejects.toMatchObject({ code: "USAGE_SECOND_TRANSACTION" });
      expect(await inside()).toBe("fine");
    }
  });

  test("with mandatory joins, and is refused where there is none to join", async () => {
    const { messaging } = await keeping();
    const units = messaging.unitOfWork();
    const inside = () => units.run(async ({ tx }) => tx, { propagation: "mandatory" });
    await expect(inside()).rejects.toMatchObject({ code: "USAGE_UNIT_MISSING" });
    await units.run(async ({ tx }) => expect(await inside()).toBe(tx));
  });
});

describe("lineage", () => {
  test("events published in a handler name the domain event as their cause; actor, tenant and conversation go along", async () => {
    const { messaging, appended } = await keeping();
    const ordered = Ordered({ n: 1 });
    const seen: unknown[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .map(Ordered, () => Ticked({ n: 2 }))
        .on(Ordered, (_event, { publishLater, meta, clock, signal, record }) => {
          seen.push(meta, clock.now() > 0, signal.aborted);
          publishLater(() => Ticked({ n: 4 }));
          record(Reserved({ n: 1 }));
        })
        .on(Reserved, async (_event, { tx }) => void (await messaging.outbox.add(tx, Ticked({ n: 5 })))),
    );
    await units.run(
      async ({ publish, record }) => {
        publish(Ticked({ n: 1 }));
        record(ordered);
      },
      { actor: "user-7", tenant: "acme", correlationId: "conversation" },
    );
    const all = { correlationid: "conversation", authtype: "unknown", authid: "user-7" };
    const caused = { ...all, causationid: ordered.id, domainevent: "ordered" };
    const extensions = appended.flat().map(({ extensions }) => extensions);
    expect(extensions).toEqual([
      { ...all, causationid: expect.any(String), domainevent: "reserved" },
      all,
      caused,
      caused,
    ]);
    expect(appended.flat().map(({ tenant }) => tenant)).toEqual(["acme", "acme", "acme", "acme"]);
    expect(seen).toEqual([
      {
        unitId: expect.any(String),
        correlationId: "conversation",
        causationId: ordered.id,
        actor: "user-7",
        tenant: "acme",
        traceparent: undefined,
      },
      true,
      false,
    ]);
  });

  test("events of one unit belong to one conversation, also where nobody named it", async () => {
    const { messaging, appended } = await keeping();
    const unitId = await messaging.unitOfWork().run(async ({ publish, meta }) => {
      publish(Ticked({ n: 1 }), Ticked({ n: 2 }));
      return meta.unitId;
    });
    expect(appended.flat().map(({ extensions }) => extensions)).toEqual([
      { correlationid: unitId },
      { correlationid: unitId },
    ]);
  });

  test("the journal has every domain event of units that committed, in order, with cause, depth and whom it was for", async () => {
    const { messaging, store } = await keeping();
    const units = messaging.unitOfWork(
      handlers().on(Ordered, (_event, { record }) => record(Reserved({ n: 2 }))),
      { journal: true },
    );
    const [first, last] = [Ordered({ n: 1 }), Billed({ n: 3 })];
    const unitId = await units.run(
      async ({ record, meta }) => {
        record(first, last);
        return meta.unitId;
      },
      { actor: "user-7", tenant: "acme" },
    );
    await units
      .run(async ({ record }) => {
        record(Ordered({ n: 9 }));
        throw new Error("no");
      })
      .catch(() => undefined);
    const shared = { unitId, correlationId: unitId, causationId: undefined, actor: "user-7", tenant: "acme" };
    expect(store.journaled()).toEqual([
      {
        ...shared,
        place: 1,
        depth: 1,
        causedBy: undefined,
        type: "ordered",
        id: first.id,
        data: `{"n":1}`,
        occurredAt: first.occurredAt.toISOString(),
      },
      {
        ...shared,
        place: 2,
        depth: 1,
        causedBy: undefined,
        type: "billed",
        id: last.id,
        data: `{"n":3}`,
        occurredAt: last.occurredAt.toISOString(),
      },
      {
        ...shared,
        place: 3,
        depth: 2,
        causedBy: first.id,
        type: "reserved",
        id: expect.any(String),
        data: `{"n":2}`,
        occurredAt: expect.any(String),
      },
    ]);
  });

  test("a store that keeps no journal is told of before anything runs", async () => {
    const here = place();
    const { journal: _none, ...store } = storeOn(here);
    const messaging = await serviceOn(here, { store, relay: false });
    expect(() => messaging.unitOfWork(handlers(), { journal: true })).toThrow(
      "journal: this store keeps no journal",
    );
  });
});

describe("calls", () => {
  test("a direct publish inside a unit is refused, or taken into the unit where that was asked for", async () => {
    const { messaging, appended } = await keeping();
    const direct = async () => messaging.publish(Placed({ orderId: "1" }), { key: "other" });
    await expect(messaging.unitOfWork().run(direct)).rejects.toMatchObject({
      code: "USAGE_INSIDE_TRANSACTION",
    });
    const rerouting = messaging.unitOfWork(handlers().on(Ordered, direct), { directPublish: "reroute" });
    await rerouting.run(async ({ publish, record }) => {
      record(Ordered({ n: 1 }));
      publish(Ticked({ n: 1 }));
      await messaging.publish(Placed({ orderId: "2" }));
      await expect(messaging.publishBatch([Ticked({ n: 1 })])).rejects.toMatchObject({
        code: "USAGE_INSIDE_TRANSACTION",
      });
    });
    expect(appended.map((events) => events.map(({ key }) => key))).toEqual([[undefined, "2", "other"]]);
    const failing = rerouting.run(async () => {
      await messaging.publish(Placed({ orderId: "3" }));
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(appended).toHaveLength(1);
  });

  test("a signal that fires stops the unit before the next handler, with its reason", async () => {
    const { messaging, store } = await keeping();
    const control = new AbortController();
    const log: string[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, (_event, { signal }) => {
          control.abort(new Error("shutting down"));
          log.push(String(signal.aborted));
        })
        .on(Ordered, () => void log.push("next")),
    );
    const outcome = units.run(
      async ({ tx, record }) => {
        await tx.put("accounts", "a", 1);
        record(Ordered({ n: 1 }));
      },
      { signal: control.signal },
    );
    await expect(outcome).rejects.toThrow("shutting down");
    expect([log, store.rows("accounts").size]).toEqual([["true"], 0]);
  });

  test("wrong options are told together, before anything is begun", async () => {
    const { messaging, transactions } = await keeping();
    const wrong = {
      retrys: 1,
      isolation: "bogus",
      retries: -1,
      propagation: "never",
      tenant: "",
      signal: {},
    };
    const error = await failureOf(messaging.unitOfWork().run(async () => {}, wrong as never));
    expect(error).toMatchObject({
      code: "CONFIG_INVALID",
      problems: [
        "retrys: is no option (did you mean 'retries'?)",
        "isolation: must be one of read committed, repeatable read, serializable",
        "retries: must be a whole number from 0 to 100",
        "propagation: must be 'join', 'requires-new' or 'mandatory'",
        "tenant: must be a text that is not empty",
        "signal: must be an AbortSignal",
      ],
    });
    await expect(messaging.unitOfWork().run(5 as never)).rejects.toMatchObject({ code: "USAGE_WRONG_KIND" });
    expect(transactions()).toBe(0);
    expect(() => messaging.unitOfWork({ handledTypes: [] })).toThrow(
      "handlers: must be made by domainHandlers()",
    );
    expect(() => handlers().on(Ticked as never, () => {})).toThrow(
      "definition: must be made by defineDomainEvent",
    );
    expect(() => handlers().map(Ordered, 5 as never, { order: "first" as never })).toThrow(
      "handler: must be a function",
    );
  });
});

describe("in a consumer", () => {
  test("a handler's domain events are handled in its transaction, with the message's lineage, and leave with it", async () => {
    const here = place();
    const store = storeOn(here);
    const seen: unknown[] = [];
    const messaging = await serviceOn(here, {
      store,
      unitOfWork: {
        handlers: handlers()
          .on(Ordered, async (event, { tx, meta }) => {
            seen.push(meta.actor, meta.tenant, meta.correlationId, event.data.n);
            await tx.put("accounts", "domain", 1);
          })
          .map(Ordered, ({ data: { n } }) => Ticked({ n })),
      },
    });
    const consumer = defineConsumer("billing", { store }).on(
      Placed,
      async (event, { tx, track, publishLater }) => {
        const account = track(accountOf("a"), saveAccount);
        account.change(5, Ordered({ n: 7 }));
        publishLater(async () => Ticked({ n: Number(await tx.get("accounts", "a")) }));
      },
    );
    const subscription = await messaging.consume(consumer);
    const extensions = { authid: "user-7", authtype: "user", correlationid: "conversation" };
    await messaging.publish(Placed({ orderId: "1" }, { tenant: "acme", extensions }));
    await here.clock.runUntil(() => subscription.counts().handled === 1);
    expect(seen).toEqual(["user-7", "acme", "conversation", 7]);
    expect([...store.rows("accounts").keys()].toSorted()).toEqual(["a", "domain"]);
    await here.clock.runUntil(() =>
      here.broker.inspect().channels.some(({ channel }) => channel === "com.acme.ticks"),
    );
  });

  test("a domain event handler that fails takes the message the way of the retries, with nothing left of the attempt", async () => {
    const here = place();
    const store = storeOn(here);
    const errors: unknown[] = [];
    const messaging = await serviceOn(here, {
      store,
      relay: false,
      unitOfWork: {
        handlers: handlers().on(Ordered, async ({ data: { n } }, { tx }) => {
          await tx.put("accounts", `attempt ${n}`, 1);
          if (n < 3) throw new Error(`attempt ${n}`);
        }),
      },
    });
    const consumer = defineConsumer("billing", {
      store,
      retry: fixed({ attempts: 5, delayMs: 10 }),
      errors: [
        { matches: (error) => (errors.push(domainFailureOf(error)?.handler), false), action: "retry" },
      ],
    }).on(Placed, (_event, { record, attempt }) => record(Ordered({ n: attempt })));
    const subscription = await messaging.consume(consumer);
    await messaging.publish(Placed({ orderId: "1" }));
    await here.clock.runUntil(() => subscription.counts().handled === 1);
    expect([...store.rows("accounts").keys()]).toEqual(["attempt 3"]);
    expect(errors).toEqual(["ordered#1", "ordered#1"]);
  });

  test("a domain event handler that takes too long is given up with the handler's own time, and goes on in a dead unit", async () => {
    const here = place();
    const store = storeOn(here);
    let go = (): void => undefined;
    const late: unknown[] = [];
    const messaging = await serviceOn(here, {
      store,
      relay: false,
      unitOfWork: {
        handlers: handlers()
          .on(Ordered, async (_event, { record }) => {
            await new Promise<void>((resolve) => (go = resolve));
            late.push(await failureOf((async () => record(Reserved({ n: 1 })))()));
          })
          .on(Ordered, () => void late.push("the next handler")),
      },
    });
    const consumer = defineConsumer("billing", {
      store,
      timeoutMs: 100,
      retry: fixed({ attempts: 1, delayMs: 1 }),
    }).on(Placed, (_event, { record }) => record(Ordered({ n: 1 })));
    const subscription = await messaging.consume(consumer);
    await messaging.publish(Placed({ orderId: "1" }));
    await here.clock.runUntil(() => subscription.counts()["dead-lettered"] === 1);
    go();
    await until("it went on", () => late.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(late).toEqual([expect.objectContaining({ code: "USAGE_UNIT_CLOSED" })]);
  });
});

test("a unit has a span, each handler of a domain event one of its own in it, and both tell of failures", async () => {
  const sdk = registerSdk();
  const { messaging } = await keeping();
  const units = messaging.unitOfWork(
    handlers().on(
      Ordered,
      ({ data: { n } }, { meta }) => {
        expect(meta.traceparent).toMatch(/^00-/);
        if (n > 1) throw new RangeError("too many");
      },
      { name: "count" },
    ),
  );
  await units.run(async ({ record }) => record(Ordered({ n: 1 })));
  await units.run(async ({ record }) => record(Ordered({ n: 2 }))).catch(() => undefined);
  const [handled, failed] = sdk.named("handle ordered");
  const [unit, failedUnit] = sdk.named("unit of work");
  expect(handled).toMatchObject({
    kind: 0,
    attributes: {
      "postrider.domain_event.type": "ordered",
      "postrider.domain_event.depth": 1,
      "postrider.handler": "count",
    },
  });
  expect(handled?.parentSpanContext?.spanId).toBe(unit?.spanContext().spanId);
  expect([failed, failedUnit].map((span) => span?.attributes["error.type"])).toEqual([
    "RangeError",
    "RangeError",
  ]);
});
