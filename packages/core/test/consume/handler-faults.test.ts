import {
  defineConsumer,
  fixed,
  immediate,
  noRetry,
  onError,
  RetryAfter,
  type EventDraft,
  type MemoryTx,
  type RetryPolicy,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderPlaced, Ticked } from "./support/events.ts";
import { createGate, createWorld, settled } from "./support/world.ts";

const withGetterThatThrows = (): Error =>
  Object.defineProperties(new Error("fine"), {
    message: {
      get: () => {
        throw new Error("not even its message");
      },
    },
    code: {
      get: () => {
        throw new Error("nor its code");
      },
    },
  });

const hostile: readonly (readonly [string, () => unknown, string])[] = [
  ["a string", () => "just text", "just text"],
  ["undefined", () => undefined, "Undefined was thrown instead of an Error"],
  ["null", () => null, "Null was thrown instead of an Error"],
  ["an object without prototype", () => Object.create(null), "An object was thrown instead of an Error"],
  [
    "an error whose parts throw when they are read",
    withGetterThatThrows,
    "An error was thrown that cannot be read",
  ],
  [
    "an error whose message is no text",
    () => Object.assign(new Error("x"), { message: { deep: 1 } }),
    "An error was thrown that cannot be read",
  ],
  ["an error that is its own cause", () => ownCause(), "round"],
  ["a revoked proxy", () => revoked(), "An error was thrown that cannot be read"],
];

function ownCause(): Error {
  const error = new Error("round");
  error.cause = error;
  return error;
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe("a handler that throws", () => {
  test.each(hostile)("%s is retried and dead-lettered like any other", async (_, thrown, message) => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(
      Ticked,
      async () => {
        throw thrown();
      },
    );
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ retried: 1, "dead-lettered": 1 });
    const [letter] = world.broker.inspect().deadLetters;
    const errors: unknown = JSON.parse(letter?.headers["postrider-dead-letter-errors"] ?? "");
    expect(errors).toEqual([expect.objectContaining({ message })]);
  });

  test("synchronously is treated as one that rejects", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw new Error("at once");
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(subscription.counts()["dead-lettered"]).toBe(1);
  });
});

describe("a handler that never settles", () => {
  test("is given up after timeoutMs, rolled back, and retried by policy; its slot is free at once", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const signals: AbortSignal[] = [];
    const retry = fixed({ attempts: 2, delayMs: 10 });
    const consumer = defineConsumer("g", { store, timeoutMs: 5_000, concurrency: 1, retry }).on(
      Ticked,
      async ({ data }, { tx, signal }) => {
        await tx.put("rows", String(data.n), 1);
        if (data.n === 2) return;
        signals.push(signal);
        await new Promise(() => {});
      },
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([Ticked({ n: 1 }), Ticked({ n: 2 })]);
    await until("the first runs", () => signals.length === 1);
    await world.clock.advance(4_999);
    expect(signals[0]?.aborted).toBe(false);
    expect(store.rows("rows").size).toBe(0);
    await world.clock.advance(1);
    expect(signals[0]?.reason).toMatchObject({ code: "HANDLER_TIMED_OUT", context: { timeoutMs: 5_000 } });
    await world.drainedInTime("g");
    expect([...store.rows("rows").keys()]).toEqual(["2"]);
    expect(subscription.counts()).toMatchObject({ handled: 1, retried: 1, "dead-lettered": 1 });
  });

  test("with timeoutMs Infinity runs for ever, and no timer waits for it", async () => {
    const world = createWorld();
    const service = await world.service();
    const gate = createGate();
    await service.publish(Ticked({ n: 0 }));
    const timersOfPublishing = world.clock.pendingTimers();
    const consumer = defineConsumer("g", { inbox: "none", timeoutMs: Number.POSITIVE_INFINITY }).on(
      Ticked,
      () => gate.opened,
    );
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    expect(world.clock.pendingTimers()).toBe(timersOfPublishing);
    gate.open();
    await world.drained("g");
    expect(subscription.counts().handled).toBe(1);
  });

  test("costs nobody time who still waits for the database: only the handler's own time counts", async () => {
    const world = createWorld();
    const store = world.store();
    const busy = createGate();
    const slow: typeof store = {
      ...store,
      transaction: async (work, options) => {
        await busy.opened;
        return store.transaction(work, options);
      },
    };
    const service = await world.storing(slow);
    const subscription = await service.consume(
      defineConsumer("g", { store, timeoutMs: 1_000, retry: noRetry() }).on(Ticked, () => {}),
    );
    await service.publish(Ticked({ n: 1 }));
    await until("it waits", () => world.group("g").unsettled === 1);
    await world.clock.advance(5_000);
    busy.open();
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ handled: 1, "dead-lettered": 0 });
  });
});

describe("a handler that goes on after its end", () => {
  test("and publishes is told that its unit is closed", async () => {
    const world = createWorld();
    const service = await world.service();
    let late: ((...events: readonly EventDraft[]) => void) | undefined;
    await service.consume(
      defineConsumer("g", { inbox: "none" }).on(Ticked, (_, { publish }) => void (late = publish)),
    );
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(() => late?.(OrderPlaced({ orderId: "late" }))).toThrow(
      expect.objectContaining({ code: "USAGE_UNIT_CLOSED" }),
    );
  });

  test("and uses its transaction is told that it has ended, and changes nothing", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    let late: MemoryTx | undefined;
    await service.consume(defineConsumer("g", { store }).on(Ticked, (_, { tx }) => void (late = tx)));
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    await expect(late?.put("rows", "late", 1)).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
    expect(store.rows("rows").size).toBe(0);
  });

  test("and ignores its time-out is inside its dead unit until it ends: it can publish nothing past it", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const gate = createGate();
    const ended: unknown[] = [];
    const refusal = async (call: Promise<unknown>) =>
      ended.push(
        await call.then(
          () => "went through",
          (error: unknown) => error,
        ),
      );
    const consumer = defineConsumer("g", { store, timeoutMs: 100, retry: noRetry() }).on(Ticked, async () => {
      await gate.opened;
      await refusal(service.publish(OrderPlaced({ orderId: "late" })));
      await refusal(
        service.unitOfWork().run(async ({ publish }) => publish(OrderPlaced({ orderId: "late" }))),
      );
    });
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    await settled();
    await world.clock.advance(100);
    await world.drained("g");
    gate.open();
    await until("it has ended", () => ended.length === 2);
    expect(ended).toEqual([
      expect.objectContaining({ code: "USAGE_INSIDE_TRANSACTION" }),
      expect.objectContaining({ code: "USAGE_UNIT_CLOSED" }),
    ]);
    expect(await store.relay.status()).toMatchObject({ backlog: 0 });
  });

  test("and ignores its time-out writes nothing and publishes nothing, however late it ends", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const gate = createGate();
    const ended: unknown[] = [];
    const consumer = defineConsumer("g", { store, timeoutMs: 100, retry: noRetry() }).on(
      Ticked,
      async (_, { tx, publish }) => {
        await gate.opened;
        ended.push(await tx.put("rows", "late", 1).catch((error: unknown) => error));
        try {
          publish(OrderPlaced({ orderId: "late" }));
        } catch (error) {
          ended.push(error);
        }
      },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    await settled();
    await world.clock.advance(100);
    await world.drained("g");
    gate.open();
    await until("it has ended", () => ended.length === 2);
    expect(ended).toEqual([
      expect.objectContaining({ code: "STORE_TRANSACTION_CLOSED" }),
      expect.objectContaining({ code: "USAGE_UNIT_CLOSED" }),
    ]);
    expect(store.rows("rows").size).toBe(0);
    expect(await store.relay.status()).toMatchObject({ backlog: 0 });
  });
});

test("a handler that returns a value is a mistake of types only: the value goes nowhere", async () => {
  const world = createWorld();
  const service = await world.service();
  const handler = (() => ({ ok: true })) as unknown as () => void;
  const subscription = await service.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, handler));
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(subscription.counts().handled).toBe(1);
});

describe("a policy of the user's", () => {
  const broken: readonly (readonly [string, () => number])[] = [
    [
      "throws",
      () => {
        throw new Error("broken policy");
      },
    ],
    ["gives NaN", () => Number.NaN],
    ["gives Infinity", () => Number.POSITIVE_INFINITY],
    ["gives text", () => "soon" as unknown as number],
  ];

  test.each(broken)("that %s is reported, and the message tried again in a second", async (_, delayMs) => {
    const world = createWorld();
    const service = await world.service();
    const atMs: number[] = [];
    const retry: RetryPolicy = { attempts: 2, delayMs };
    const consumer = defineConsumer("g", { inbox: "none", retry }).on(Ticked, () => {
      atMs.push(world.clock.monotonicMs());
      if (atMs.length === 1) throw new Error("once");
    });
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(atMs).toEqual([0, 1_000]);
    expect(world.logger.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual(
      ["The retry policy gave no wait; the message is tried again in a second"],
    );
  });

  test("that gives a negative wait is taken for 'at once'", async () => {
    const world = createWorld();
    const service = await world.service();
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { inbox: "none", retry: { attempts: 2, delayMs: () => -5 } }).on(
      Ticked,
      (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("once");
      },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(attempts).toEqual([1, 2]);
  });

  test("RetryAfter waits as long as the handler asked; one that is refused leaves the wait to the policy", async () => {
    const world = createWorld();
    const service = await world.service();
    const atMs: number[] = [];
    const waits = [30_000, Number.NaN];
    const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 5 }) }).on(
      Ticked,
      (_, { attempt }) => {
        atMs.push(world.clock.monotonicMs());
        const wait = waits[attempt - 1];
        if (wait !== undefined) throw new RetryAfter(wait);
      },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(atMs).toEqual([0, 30_000, 30_000]);
  });

  test("an error rule that answers a promise matches nothing", async () => {
    const world = createWorld();
    const service = await world.service();
    const matches = (async () => true) as unknown as () => boolean;
    const consumer = defineConsumer("g", {
      inbox: "none",
      retry: noRetry(),
      errors: [onError(matches, "discard")],
    }).on(Ticked, () => {
      throw new Error("no");
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ discarded: 0, "dead-lettered": 1 });
  });
});

test("a logger that throws stops no message", async () => {
  const world = createWorld();
  const no = () => {
    throw new Error("the disk is full");
  };
  const service = await world.service({ logger: { debug: no, info: no, warn: no, error: no } });
  const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(
    Ticked,
    () => {
      throw new Error("logged");
    },
  );
  const subscription = await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(subscription.counts()).toMatchObject({ retried: 1, "dead-lettered": 1 });
});
