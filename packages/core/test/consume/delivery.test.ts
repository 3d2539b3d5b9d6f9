import {
  defineConsumer,
  exponential,
  fixed,
  immediate,
  noRetry,
  onError,
  Reject,
  type ErrorContext,
} from "@postrider/core";
import { expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderPlaced, Scanned, Ticked } from "./support/events.ts";
import { changed } from "./support/transports.ts";
import { createGate, createWorld, settled } from "./support/world.ts";

test("17. no message is acknowledged until its handler's promise has settled", async () => {
  const world = createWorld();
  const service = await world.service();
  const gate = createGate();
  const subscription = await service.consume(
    defineConsumer("g", { inbox: "none" }).on(Ticked, () => gate.opened),
  );
  await service.publish(Ticked({ n: 1 }));
  await until("the handler has the message", () => world.group("g").unsettled === 1);
  await settled();
  expect(world.group("g")).toMatchObject({ unsettled: 1, queued: 0 });
  expect(subscription.counts().handled).toBe(0);
  gate.open();
  await world.drained("g");
  expect(subscription.counts().handled).toBe(1);
});

test("18. a handler that throws gets the message again, with attempts 1, 2, 3", async () => {
  const world = createWorld();
  const service = await world.service();
  const attempts: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 3 }) }).on(
    Ticked,
    (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error("not yet");
    },
  );
  const subscription = await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(attempts).toEqual([1, 2, 3]);
  expect(subscription.counts()).toMatchObject({ retried: 2, handled: 1, "dead-lettered": 0 });
});

test("19. two messages that fail once both arrive in the end", async () => {
  const world = createWorld();
  const service = await world.service();
  const done: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(
    Ticked,
    ({ data }, { attempt }) => {
      if (attempt === 1) throw new Error("first time");
      done.push(data.n);
    },
  );
  await service.consume(consumer);
  await service.publishBatch([Ticked({ n: 1 }), Ticked({ n: 2 })]);
  await world.drained("g");
  expect(new Set(done)).toEqual(new Set([1, 2]));
});

test("23. what a failing handler changed in message, headers, data and bytes is restored for the next attempt", async () => {
  const world = createWorld();
  const service = await world.service();
  const seen: unknown[] = [];
  const consumer = defineConsumer("g", {
    inbox: "none",
    ordering: "key",
    retry: immediate({ attempts: 2 }),
  }).on(OrderPlaced, (message, context) => {
    seen.push(structuredClone({ message, headers: context.headers, extensions: context.extensions }));
    if (context.attempt > 1) return;
    const open = message as { type: string; data: typeof message.data };
    open.type = "changed";
    message.data.lines.push({ sku: "added" });
    open.data = { orderId: "changed", n: 0, lines: [] };
    Object.assign(context.headers, { "x-a": "changed" });
    Object.assign(context.extensions, { region: "changed" });
    throw new Error("again");
  });
  await service.consume(consumer);
  await service.publish(
    OrderPlaced({ orderId: "1", lines: [{ sku: "a" }] }, { extensions: { region: "eu" } }),
  );
  await world.drainedInTime("g");
  expect(seen).toHaveLength(2);
  expect(seen[1]).toEqual(seen[0]);
});

test("23. bytes that a failing handler changed are restored, also in the dead letter", async () => {
  const world = createWorld();
  const service = await world.service();
  const seen: string[] = [];
  const consumer = defineConsumer("g", {
    inbox: "none",
    ordering: "key",
    retry: immediate({ attempts: 2 }),
  }).on(Scanned, ({ data }) => {
    seen.push(Buffer.from(data).toString());
    data.fill(0x78);
    throw new Error("again");
  });
  await service.consume(consumer);
  world.broker.inject(Scanned.channel, {
    key: "k",
    attributes: { specversion: "1.0", id: "1", source: "/scanner", type: Scanned.type },
    contentType: "application/octet-stream",
    body: Buffer.from("scan"),
  });
  await world.drainedInTime("g");
  expect(seen).toEqual(["scan", "scan"]);
  expect(world.broker.inspect().deadLetters.map(({ body }) => Buffer.from(body ?? []).toString())).toEqual([
    "scan",
  ]);
});

test("24. the error policy sees message, attempt, headers, extensions and tenant as the handler did", async () => {
  const world = createWorld();
  const service = await world.service();
  const seen: ErrorContext[] = [];
  const look = onError((_, context) => seen.push(context) < 0, "discard");
  const consumer = defineConsumer("g", { inbox: "none", retry: noRetry(), errors: [look] }).on(
    OrderPlaced,
    () => {
      throw new Error("no");
    },
  );
  await service.consume(consumer);
  await service.publish(OrderPlaced({ orderId: "1" }, { tenant: "acme", extensions: { region: "eu" } }));
  await world.drained("g");
  expect(seen).toEqual([
    expect.objectContaining({
      consumer: "g",
      attempt: 1,
      tenant: "acme",
      extensions: { region: "eu" },
      message: expect.objectContaining({ type: OrderPlaced.type, data: { orderId: "1", n: 0, lines: [] } }),
    }),
  ]);
});

test("25. an error policy that throws is reported as an error, and the message still retried", async () => {
  const world = createWorld();
  const service = await world.service();
  let calls = 0;
  const broken = onError(() => {
    throw new Error("the rule is broken");
  }, "discard");
  const consumer = defineConsumer("g", {
    inbox: "none",
    retry: immediate({ attempts: 2 }),
    errors: [broken],
  }).on(Ticked, () => {
    calls += 1;
    if (calls === 1) throw new Error("once");
  });
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(calls).toBe(2);
  expect(world.logger.lines.filter(({ level }) => level === "error")).toEqual([
    expect.objectContaining({
      message: expect.stringContaining("An error rule threw"),
      context: expect.objectContaining({ reason: "the rule is broken" }),
    }),
  ]);
});

test("26. each delivery is settled exactly once, whatever became of it", async () => {
  const world = createWorld();
  const settlements: string[][] = [];
  const transport = changed(world, {
    delivery: (delivery) => {
      const kinds: string[] = [];
      settlements.push(kinds);
      return {
        ...delivery,
        settle: (settlement) => {
          kinds.push(settlement.kind);
          return delivery.settle(settlement);
        },
      };
    },
  });
  const service = await world.service({ transport });
  const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) })
    .on(Ticked, ({ data }) => {
      if (data.n === 1) throw new Error("retried, then exhausted");
      if (data.n === 2) throw new Reject("never");
    })
    .ignore(OrderPlaced);
  await service.consume(consumer);
  await service.publishBatch([
    Ticked({ n: 0 }),
    Ticked({ n: 1 }),
    Ticked({ n: 2 }),
    OrderPlaced({ orderId: "1" }),
  ]);
  await world.drained("g");
  expect(settlements.map((kinds) => kinds.join()).sort()).toEqual([
    "ack",
    "ack",
    "dead-letter",
    "dead-letter",
    "retry",
  ]);
});

test("147. nothing above info is logged in the happy path, and no payload ever", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const consumer = defineConsumer("g", { store }).on(OrderPlaced, async (event, { tx, publish }) => {
    await tx.put("orders", event.data.orderId, event.data.n);
    publish(Ticked({ n: 1 }));
  });
  const ticks = defineConsumer("ticks", { store }).on(Ticked, () => {});
  await service.consume(consumer);
  await service.consume(ticks);
  await service.publish(OrderPlaced({ orderId: "secret-4711" }));
  await until("the follow-up came", () =>
    world.broker.inspect().channels.some(({ channel }) => channel === Ticked.channel),
  );
  await world.drained("g");
  await world.drained("ticks");
  await service.close();
  expect(world.logger.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  expect(JSON.stringify(world.logger.lines)).not.toContain("secret-4711");
});

test("73. a delayed retry does not block the messages behind it", async () => {
  const world = createWorld();
  const service = await world.service();
  const done: number[] = [];
  const consumer = defineConsumer("g", {
    inbox: "none",
    concurrency: 1,
    maxInFlight: 1,
    retry: fixed({ attempts: 2, delayMs: 60_000 }),
  }).on(Ticked, ({ data }, { attempt }) => {
    if (data.n === 1 && attempt === 1) throw new Error("later");
    done.push(data.n);
  });
  await service.consume(consumer);
  await service.publishBatch([1, 2, 3].map((n) => Ticked({ n })));
  await until("the others are done", () => done.length === 2);
  expect(done).toEqual([2, 3]);
  await world.clock.advance(59_999);
  expect(done).toEqual([2, 3]);
  await world.clock.advance(1);
  await world.drained("g");
  expect(done).toEqual([2, 3, 1]);
});

test("72. retries follow the exponential schedule of the policy, within its jitter", async () => {
  const world = createWorld();
  const service = await world.service();
  const atMs: number[] = [];
  const retry = exponential({ attempts: 4, initialMs: 1_000, factor: 2, jitter: 0.5 });
  const consumer = defineConsumer("g", { inbox: "none", retry }).on(Ticked, () => {
    atMs.push(world.clock.monotonicMs());
    throw new Error("always");
  });
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.clock.runUntil(() => world.group("g").deadLetters === 1);
  const waits = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
  expect(waits).toHaveLength(3);
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(500 * 2 ** index);
    expect(wait).toBeLessThanOrEqual(1_000 * 2 ** index);
  }
});
