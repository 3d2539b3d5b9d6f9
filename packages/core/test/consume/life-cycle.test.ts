import { defineConsumer, immediate, OptionsError } from "@postrider/core";
import { describe, expect, test, vi } from "vitest";
import { until } from "../support/recorder.ts";
import { OrderPlaced, Ticked } from "./support/events.ts";
import { changed, eager } from "./support/transports.ts";
import { createGate, createWorld, settled } from "./support/world.ts";

const plain = (name = "g") => defineConsumer(name, { inbox: "none" });

describe("starting", () => {
  test("45. ten consumers opened and closed at once leave no broken state", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: string[] = [];
    const start = (n: number) => service.consume(plain(`g${n}`).on(Ticked, () => void seen.push(`g${n}`)));
    const subscriptions = await Promise.all(Array.from({ length: 10 }, (_, n) => start(n)));
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
    expect((await service.health()).consumers).toEqual([]);
    await Promise.all(Array.from({ length: 10 }, (_, n) => start(n)));
    await service.publish(Ticked({ n: 1 }));
    await until("all ten have it", () => seen.length === 10);
    expect(seen.sort()).toEqual(Array.from({ length: 10 }, (_, n) => `g${n}`));
  });

  test("45. a second consume of the same consumer is refused while the first is there, and allowed after", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = plain().on(Ticked, () => {});
    const both = await Promise.allSettled([service.consume(consumer), service.consume(consumer)]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(both[1]).toMatchObject({ reason: { code: "USAGE_ALREADY_SUBSCRIBED" } });
    const [first] = both;
    if (first.status === "fulfilled") await first.value.close();
    await expect(service.consume(consumer)).resolves.toMatchObject({ consumer: "g" });
  });

  test("45. closing an old subscription again does not free the name of its successor", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = plain().on(Ticked, () => {});
    const old = await service.consume(consumer);
    await old.close();
    await service.consume(consumer);
    await old.close();
    expect((await service.health()).consumers).toEqual([{ name: "g", state: "running" }]);
    await service.close();
    expect(world.broker.inspect().groups.map(({ unsettled }) => unsettled)).toEqual([0]);
  });

  test("45. a start that fails leaves its name free", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = plain().on(Ticked, () => {});
    world.broker.stop();
    await expect(service.consume(consumer)).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
    world.broker.start();
    await settled();
    await expect(service.consume(consumer)).resolves.toBeDefined();
  });

  test("consume after close is refused with USAGE_CLOSED", async () => {
    const world = createWorld();
    const service = await world.service();
    await service.close();
    await expect(service.consume(plain().on(Ticked, () => {}))).rejects.toMatchObject({
      code: "USAGE_CLOSED",
    });
    await expect(service.consumeDeadLetters("g", () => {})).rejects.toMatchObject({ code: "USAGE_CLOSED" });
  });

  test("a messaging that closes while a consumer starts closes that consumer too", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: number[] = [];
    const starting = service.consume(plain().on(Ticked, ({ data }) => void seen.push(data.n)));
    await service.close();
    await starting;
    const other = await world.service();
    await other.publish(Ticked({ n: 1 }));
    await settled();
    expect(seen).toEqual([]);
    expect((await service.health()).consumers).toEqual([]);
  });

  test("a consumer without a handler is refused with the step to take", async () => {
    const world = createWorld();
    const service = await world.service();
    await expect(service.consume(plain())).rejects.toThrow(
      "The consumer 'g' has no handler: add one with on(…).",
    );
  });

  test("a consumer that asks for a store is refused where there is none", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "store" }).on(Ticked, () => {});
    await expect(service.consume(consumer)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("asks for a store"),
    });
  });

  test("a consumer without any inbox says so at its start", async () => {
    const world = createWorld();
    const service = await world.service();
    await service.consume(defineConsumer("g").on(Ticked, () => {}));
    expect(world.logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("has no inbox"),
        context: { consumer: "g" },
      }),
    );
  });
});

describe("closing", () => {
  test("46. a close waits for running handlers, acknowledges them, and takes nothing new", async () => {
    const world = createWorld();
    const service = await world.service();
    const gate = createGate();
    const begun: number[] = [];
    const subscription = await service.consume(
      plain().on(Ticked, async ({ data }) => {
        begun.push(data.n);
        await gate.opened;
      }),
    );
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => begun.length === 1);
    let closed = false;
    const closing = subscription.close().then(() => (closed = true));
    await service.publish(Ticked({ n: 2 }));
    await settled();
    expect(closed).toBe(false);
    gate.open();
    await closing;
    expect(begun).toEqual([1]);
    expect(subscription.counts()).toMatchObject({ handled: 1, released: 0 });
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
  });

  test("47. past the deadline the signal fires, the work is rolled back, and the message returned uncounted", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const signals: AbortSignal[] = [];
    const gate = createGate();
    const consumer = defineConsumer("g", { store }).on(Ticked, async (_, { tx, publish, signal }) => {
      signals.push(signal);
      await tx.put("rows", "early", 1);
      publish(OrderPlaced({ orderId: "1" }));
      await gate.opened; // does not look at its signal
      await tx.put("rows", "late", 1);
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => signals.length === 1);
    const closing = subscription.close({ drainMs: 5_000 });
    await world.clock.advance(4_999);
    expect(signals[0]?.aborted).toBe(false);
    await world.clock.advance(1);
    await closing;
    expect(signals[0]?.reason).toMatchObject({ code: "HANDLER_ABANDONED" });
    expect(subscription.counts()).toMatchObject({ released: 1, handled: 0, "dead-lettered": 0 });
    gate.open();
    await settled();
    expect([...store.rows("rows").keys()]).toEqual([]);
    expect(await store.relay.status()).toMatchObject({ backlog: 0 });
    expect(world.group("g")).toMatchObject({ queued: 1, deadLetters: 0 });
    const again: number[] = [];
    await (
      await world.storing(store)
    ).consume(defineConsumer("g", { store }).on(Ticked, (_, { attempt }) => void again.push(attempt)));
    await world.drained("g");
    expect(again).toEqual([1]);
  });

  test("48. messages that were fetched and not begun return to the broker, in their place", async () => {
    const world = createWorld();
    const service = await world.service();
    const gate = createGate();
    const consumer = defineConsumer("g", { inbox: "none", concurrency: 1, maxInFlight: 10 }).on(
      Ticked,
      () => gate.opened,
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([1, 2, 3, 4].map((n) => Ticked({ n })));
    await until("all are fetched", () => world.group("g").unsettled === 4);
    const closing = subscription.close();
    await until("the others are back", () => world.group("g").queued === 3);
    gate.open();
    await closing;
    const order: number[] = [];
    await (
      await world.service()
    ).consume(
      defineConsumer("g", { inbox: "none", concurrency: 1 }).on(
        Ticked,
        ({ data }, { attempt }) => void order.push(data.n * 10 + attempt),
      ),
    );
    await world.drained("g");
    expect(order).toEqual([21, 31, 41]);
  });

  test("48. messages that wait behind a running one of their key return at once, not when that has ended", async () => {
    const world = createWorld();
    const service = await world.service({ transport: eager(world) });
    const gate = createGate();
    const consumer = defineConsumer("g", { inbox: "none", ordering: "key" }).on(
      OrderPlaced,
      () => gate.opened,
    );
    const subscription = await service.consume(consumer);
    await service.publishBatch([1, 2, 3].map((n) => OrderPlaced({ orderId: "a", n })));
    await until("all are fetched", () => world.group("g").unsettled === 3);
    const closing = subscription.close();
    await until("the others are back", () => world.group("g").queued === 2);
    gate.open();
    await closing;
    expect(subscription.counts()).toMatchObject({ handled: 1, released: 2 });
  });

  test("48. a message that waits for its retry here is given back at the close, at once", async () => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      retry: immediate({ attempts: 9 }),
    }).on(OrderPlaced, () => {
      throw new Error("no");
    });
    const subscription = await service.consume(consumer);
    await service.publish(OrderPlaced({ orderId: "1" }));
    await until("it failed", () => subscription.counts().retried === 1);
    await subscription.close();
    expect(subscription.counts()).toMatchObject({ released: 1, "dead-lettered": 0 });
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
  });

  test("49. closing a messaging lets what its handlers publish be confirmed before their messages are acknowledged", async () => {
    const world = createWorld();
    const service = await world.service();
    const gate = createGate();
    await service.consume(
      plain().on(Ticked, async (_, { publish }) => {
        await gate.opened;
        publish(OrderPlaced({ orderId: "last" }));
      }),
    );
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    const closing = service.close();
    gate.open();
    await closing;
    expect(world.broker.inspect().channels).toContainEqual({ channel: OrderPlaced.channel, retained: 1 });
    expect(world.group("g")).toMatchObject({ queued: 0, unsettled: 0 });
  });

  test("a close that is called twice, or by both names, closes once", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(plain().on(Ticked, () => {}));
    await Promise.all([
      subscription.close(),
      subscription.close(),
      subscription[Symbol.asyncDispose](),
      service.close(),
    ]);
    await service.close();
    expect(world.clock.pendingTimers()).toBe(0);
  });

  test.each([Number.NaN, -1, "5"])(
    "a drainMs of %s is refused, and nothing is closed then",
    async (drainMs) => {
      const world = createWorld();
      const service = await world.service();
      const wrong = { drainMs: drainMs as number };
      const subscription = await service.consume(plain().on(Ticked, () => {}));
      await expect(subscription.close(wrong)).rejects.toBeInstanceOf(OptionsError);
      await expect(service.close(wrong)).rejects.toThrow("drainMs: must be 0 or more milliseconds");
      await expect(
        service.consume(
          plain("h").on(Ticked, () => {}),
          wrong,
        ),
      ).rejects.toBeInstanceOf(OptionsError);
      await service.publish(Ticked({ n: 1 }));
      await world.drained("g");
      expect(subscription.counts().handled).toBe(1);
    },
  );

  test("a database that answers no more does not keep a close from ending", async () => {
    const world = createWorld();
    const store = world.store();
    const frozen = { ...store, transaction: () => new Promise<never>(() => {}) };
    const service = await world.storing(frozen);
    const subscription = await service.consume(defineConsumer("g").on(Ticked, () => {}));
    await service.publish(Ticked({ n: 1 }));
    await until("it is under way", () => world.group("g").unsettled === 1);
    const closing = subscription.close({ drainMs: 1_000 });
    await world.clock.advance(6_000);
    await closing;
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
  });
});

describe("the signal given to consume", () => {
  test("57. ends the subscription as close does", async () => {
    const world = createWorld();
    const service = await world.service();
    const controller = new AbortController();
    const gate = createGate();
    const subscription = await service.consume(
      plain().on(Ticked, () => gate.opened),
      { signal: controller.signal },
    );
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    controller.abort();
    gate.open();
    await until("it is closed", async () => (await service.health()).consumers.length === 0);
    expect(subscription.counts().handled).toBe(1);
  });

  test("57. uses the drainMs that was given with it", async () => {
    const world = createWorld();
    const service = await world.service();
    const controller = new AbortController();
    await service.consume(
      plain().on(Ticked, () => new Promise(() => {})),
      { signal: controller.signal, drainMs: 100 },
    );
    await service.publish(Ticked({ n: 1 }));
    await until("it runs", () => world.group("g").unsettled === 1);
    controller.abort();
    await world.clock.advance(100);
    await until("it is closed", async () => (await service.health()).consumers.length === 0);
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
  });

  test("57. already fired, it starts nothing", async () => {
    const world = createWorld();
    const service = await world.service();
    await expect(
      service.consume(
        plain().on(Ticked, () => {}),
        { signal: AbortSignal.abort(new Error("too late")) },
      ),
    ).rejects.toThrow("too late");
    expect(world.broker.inspect().groups).toEqual([]);
  });

  test("57. fired while the consumer starts, it ends that", async () => {
    const world = createWorld();
    const service = await world.service();
    const controller = new AbortController();
    const starting = service.consume(
      plain().on(Ticked, () => {}),
      { signal: controller.signal },
    );
    controller.abort();
    await starting;
    await until("it is closed", async () => (await service.health()).consumers.length === 0);
  });

  test("56. is forgotten by the end of the subscription, whoever ended it", async () => {
    const world = createWorld();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const service = await world.service();
    const first = await service.consume(
      plain().on(Ticked, () => {}),
      { signal },
    );
    await first.close();
    expect(removed).toHaveBeenCalledTimes(1);
    await service.consume(
      plain().on(Ticked, () => {}),
      { signal },
    );
    await service.close();
    expect(added).toHaveBeenCalledTimes(2);
    expect(removed).toHaveBeenCalledTimes(2);
  });
});

describe("pause and resume", () => {
  test("40. a pause ends intake without leaving the group, and resume loses nothing", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: number[] = [];
    const subscription = await service.consume(plain().on(Ticked, ({ data }) => void seen.push(data.n)));
    subscription.pause();
    await service.publishBatch([1, 2].map((n) => Ticked({ n })));
    await settled();
    expect(seen).toEqual([]);
    expect(world.group("g").queued).toBe(2);
    subscription.resume();
    await world.drained("g");
    expect(seen).toEqual([1, 2]);
  });

  test("resume after the close brings nothing back to life", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: number[] = [];
    const subscription = await service.consume(plain().on(Ticked, ({ data }) => void seen.push(data.n)));
    subscription.pause();
    await subscription.close();
    subscription.resume();
    await service.publish(Ticked({ n: 1 }));
    await settled();
    expect(seen).toEqual([]);
  });
});

describe("the broker goes away", () => {
  test("21. deliveries lost to an outage come again, flagged by their attempt, and work once thanks to the inbox", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const gate = createGate();
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { store }).on(Ticked, async ({ data }, { tx, attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) await gate.opened;
      await tx.put("rows", `${data.n}#${attempt}`, 1);
    });
    await service.consume(consumer);
    await service.publishBatch([1, 2].map((n) => Ticked({ n })));
    await until("both run", () => attempts.length === 2);
    world.broker.stop();
    await settled();
    world.broker.start();
    gate.open();
    await world.drained("g");
    expect([...store.rows("rows").keys()].sort()).toEqual(["1#2", "2#2"]);
    expect(attempts).toEqual([1, 1, 2, 2]);
  });

  test("117. a process that dies between commit and acknowledgement leaves a duplicate, which is skipped; what it published is sent", async () => {
    const world = createWorld();
    const store = world.store();
    const transport = changed(world, {
      delivery: (delivery) => ({ ...delivery, settle: async () => transport.crash() }),
    });
    const producer = await world.service();
    const consumer = defineConsumer("g", { store }).on(Ticked, async ({ data }, { tx, publish }) => {
      await tx.put("rows", String(data.n), 1);
      publish(OrderPlaced({ orderId: "follow-up" }));
    });
    const first = await world.storing(store, { transport });
    await first.relay?.stop();
    await first.consume(consumer);
    await producer.publish(Ticked({ n: 1 }));
    await until("it died", () => transport.state() === "failed");
    await until("the work is committed", () => store.rows("rows").size === 1);
    const second = await world.storing(store);
    const subscription = await second.consume(consumer);
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ duplicate: 1, handled: 0 });
    await world.clock.runUntil(() =>
      world.broker
        .inspect()
        .channels.some(({ channel, retained }) => channel === OrderPlaced.channel && retained === 1),
    );
  });
});
