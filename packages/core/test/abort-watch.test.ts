import { getEventListeners } from "node:events";
import { defineConsumer, noRetry } from "@postrider/core";
import { describe, expect, test, vi } from "vitest";
import { createAbortWatch } from "../src/abort-watch.ts";
import { createWorld } from "./consume/support/world.ts";
import { mostAbortListeners } from "./support/abort-listeners.ts";
import { Ticked } from "./support/orders.ts";
import { until } from "./support/recorder.ts";
import { place, publisherOn } from "./support/services.ts";

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("who watches a signal", () => {
  test("is called once when it fires, in the order of the calls, and the signal has one listener for all", () => {
    const watch = createAbortWatch();
    const { signal, controller } = signalOf();
    const log: string[] = [];
    for (const name of ["a", "b", "c"]) watch(signal, () => log.push(name));
    expect(listenersOf(signal)).toBe(1);
    controller.abort();
    expect(log).toEqual(["a", "b", "c"]);
    expect(listenersOf(signal)).toBe(0);
  });

  test("takes it back for itself alone, also where another watches with the same function", () => {
    const watch = createAbortWatch();
    const { signal, controller } = signalOf();
    const task = vi.fn<() => void>();
    const unwatch = watch(signal, task);
    watch(signal, task);
    unwatch();
    unwatch();
    controller.abort();
    expect(task).toHaveBeenCalledTimes(1);
  });

  test("leaves no listener behind when the last has gone, and the next one listens again", () => {
    const watch = createAbortWatch();
    const { signal, controller } = signalOf();
    const gone = vi.fn<() => void>();
    const [first, second] = [watch(signal, gone), watch(signal, gone)];
    first();
    expect(listenersOf(signal)).toBe(1);
    second();
    expect(listenersOf(signal)).toBe(0);
    const late = vi.fn<() => void>();
    watch(signal, late);
    second();
    controller.abort();
    expect([gone.mock.calls.length, late.mock.calls.length]).toEqual([0, 1]);
  });

  test("is not called when another took it back while the signal fires, nor when it begins only then", () => {
    const watch = createAbortWatch();
    const { signal, controller } = signalOf();
    const never = vi.fn<() => void>();
    watch(signal, () => {
      unwatch();
      watch(signal, never);
    });
    const unwatch = watch(signal, never);
    controller.abort();
    expect(never).not.toHaveBeenCalled();
  });

  test("is told nothing of a signal that has fired, or that is none", () => {
    const watch = createAbortWatch();
    const never = vi.fn<() => void>();
    watch(AbortSignal.abort(), never)();
    watch(undefined, never)();
    expect(never).not.toHaveBeenCalled();
  });
});

// Node 20 warns of a leak from the eleventh on.
describe("a signal has no more listeners than a few, however much hangs on it:", () => {
  const many = Array.from({ length: 40 }, (_, n) => n);

  test("the handlers that a consumer runs at once", async () => {
    const most = mostAbortListeners();
    const world = createWorld();
    const service = await world.service();
    let running = 0;
    const consumer = defineConsumer("g", { inbox: "none" }).on(Ticked, async () => {
      running += 1;
      await until("sixteen run", () => running >= 16);
    });
    const subscription = await service.consume(consumer);
    await service.publishBatch(many.map((n) => Ticked({ n })));
    await until("all are handled", () => subscription.counts().handled === many.length);
    expect(most()).toBeLessThan(5);
  });

  test("publishes that wait for room, for a schema and for the broker", async () => {
    const most = mostAbortListeners();
    const { signal, controller } = signalOf();
    const messaging = await publisherOn(place(), { publish: { maxMessagesInFlight: 20 } });
    await Promise.all(many.map((n) => messaging.publish(Ticked({ n }), { signal })));
    expect(most()).toBeLessThan(5);
    expect(listenersOf(signal)).toBe(0);
    const late = many.map((n) => messaging.publish(Ticked({ n }), { signal }));
    controller.abort(new Error("enough"));
    for (const outcome of await Promise.allSettled(late)) expect(outcome.status).toBe("rejected");
  });

  test("handlers of dead letters", async () => {
    const most = mostAbortListeners();
    const world = createWorld();
    const service = await world.service();
    const failing = defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw new Error("no");
    });
    await service.consume(failing);
    await service.publishBatch(many.map((n) => Ticked({ n })));
    await until("all are put aside", () => world.group("g").deadLetters === many.length);
    let looking = 0;
    await service.consumeDeadLetters("g", async () => {
      looking += 1;
      await until("twelve are looked at", () => looking >= 12);
    });
    await until("all are taken", () => world.group("g").deadLetters === 0);
    expect(most()).toBeLessThan(5);
  });

  test("consumers that it ends", async () => {
    const most = mostAbortListeners();
    const { signal, controller } = signalOf();
    const service = await createWorld().service();
    for (const n of many.slice(0, 12))
      await service.consume(
        defineConsumer(`g${n}`, { inbox: "none" }).on(Ticked, () => {}),
        { signal },
      );
    expect(most()).toBeLessThan(5);
    controller.abort();
    await until("all are closed", async () => (await service.health()).consumers.length === 0);
  });
});

function signalOf() {
  const controller = new AbortController();
  return { controller, signal: controller.signal };
}
