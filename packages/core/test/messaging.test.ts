import { getEventListeners } from "node:events";
import {
  createMessaging,
  defineConsumer,
  memory,
  memoryStore,
  MessagingError,
  type Logger,
  type MessagingOptions,
  type TransportLoaders,
} from "@postrider/core";
import { describe, expect, test, vi } from "vitest";
import { Placed, Ticked } from "./support/orders.ts";
import { listenTo, numbersOf } from "./support/listener.ts";
import { until } from "./support/recorder.ts";
import { changedPublisher, place, publisherOn, serviceOn, storeOn } from "./support/services.ts";

type Options = MessagingOptions<TransportLoaders, string, never, never, undefined>;

const wrong: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
  ["no source", { source: "" }, ["source: must be a URI-reference such as '/services/orders'"]],
  ["no broker", { broker: undefined }, ["broker: is missing"]],
  [
    "a pool as the store",
    { store: { query: () => 1 } },
    ["store: must be a store such as postgres({ pool })"],
  ],
  ["a URL as the store", { store: "postgres://" }, ["store: must be a store such as postgres({ pool })"]],
  [
    "a deadline of nothing",
    { publish: { deadlineMs: 0 } },
    ["publish.deadlineMs: must be more than 0 milliseconds"],
  ],
  [
    "half a message",
    { publish: { maxMessagesInFlight: 0.5 } },
    ["publish.maxMessagesInFlight: must be a whole number from 1"],
  ],
  ["no bytes", { publish: { maxBytesInFlight: 0 } }, ["publish.maxBytesInFlight: must be 1 or more bytes"]],
  [
    "another way when full",
    { publish: { whenFull: "drop" } },
    ["publish.whenFull: must be 'wait' or 'reject'"],
  ],
  ["another content mode", { contentMode: "json" }, ["contentMode: must be 'binary' or 'structured'"]],
  ["a start before the start", { startRetryMs: -1 }, ["startRetryMs: must be 0 or more milliseconds"]],
  [
    "baggage that is no list",
    { telemetry: { baggage: "tenant" } },
    ["telemetry.baggage: must be an array of names"],
  ],
  [
    "another relation of spans",
    { telemetry: { consumerSpanRelation: "child" } },
    ["telemetry.consumerSpanRelation: must be 'parent' or 'link'"],
  ],
];

test.each(wrong)("%s is refused with a sentence", async (_, options, problems) => {
  const starting = createMessaging({ source: "/test", broker: memory(), ...options });
  await expect(starting).rejects.toMatchObject({ name: "OptionsError", code: "CONFIG_INVALID", problems });
});

test("all problems of the options come in one error, and nothing at all is one of them", async () => {
  const options = { source: 5, publish: { deadlineMs: "1 s" }, contentMode: "x" };
  await expect(createMessaging(options as never)).rejects.toMatchObject({
    problems: [
      expect.stringContaining("source"),
      expect.stringContaining("broker"),
      expect.stringContaining("publish.deadlineMs"),
      expect.stringContaining("contentMode"),
    ],
  });
  await expect(createMessaging(undefined as never)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("a source that is no URI-reference, and wrong options of the relay, are refused before anything is opened", async () => {
  const connect = vi.fn<() => Promise<void>>();
  const broker = { ...memory(), connect };
  await expect(createMessaging({ source: "a b", broker })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  const starting = createMessaging({ source: "/a", broker, store: memoryStore(), relay: { batchSize: 0 } });
  await expect(starting).rejects.toMatchObject({ problems: [expect.stringContaining("batchSize")] });
  expect(connect).not.toHaveBeenCalled();
});

test("55. a messaging that only sends opens no consumer, and without a store it has neither outbox nor relay", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  await messaging.publish(Ticked({ n: 1 }));
  expect(here.broker.inspect().groups).toEqual([]);
  expect("outbox" in messaging || "relay" in messaging || "unitOfWork" in messaging).toBe(false);
});

test("with `relay: false` nothing leaves the outbox until somebody else relays", async () => {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store, relay: false });
  await messaging.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 1 })));
  await here.clock.advance(60_000);
  expect(messaging.relay).toBeUndefined();
  expect(await store.relay.status()).toMatchObject({ backlog: 1, owner: undefined });
});

test("the relay sends in the content mode of the messaging, unless it has one of its own", async () => {
  const here = place();
  const store = storeOn(here);
  const structured = await serviceOn(here, { store, contentMode: "structured" });
  const types: (string | undefined)[] = [];
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await structured.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 1 })));
  await here.clock.advance(100);
  await structured.close();
  const own = await serviceOn(here, { store, contentMode: "structured", relay: { contentMode: "binary" } });
  await own.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 2 })));
  await here.clock.advance(2_000);
  types.push(...arrived.map(({ contentType }) => contentType));
  expect(types).toEqual(["application/cloudevents+json; charset=utf-8", "application/json"]);
});

test("16. two messagings on one broker and two stores do not mix their units, their lineage and their relays", async () => {
  const here = place();
  const [oneStore, otherStore] = [storeOn(here), storeOn(here)];
  const one = await serviceOn(here, { store: oneStore });
  const other = await serviceOn(here, { store: otherStore });
  const { arrived } = await listenTo(here.broker, "com.acme.ticks", "com.acme.orders");
  await one.consume(
    defineConsumer("shipping", { store: oneStore }).on(Placed, async () => {
      // Inside a handler of the one, the other is free: neither its unit nor its lineage is known.
      expect(other.unitOfWork().current()).toBeUndefined();
      await other.publish(Ticked({ n: 2 }));
      await other.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 3 })));
    }),
  );
  await one.publish(Placed({ orderId: "1" }));
  await here.clock.runUntil(() => arrived.length === 3);
  const ticks = arrived.filter(({ channel }) => channel === "com.acme.ticks");
  expect(
    numbersOf(ticks)
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual([2, 3]);
  for (const { attributes } of ticks) expect(attributes["causationid"]).toBeUndefined();
});

test("56. close ends everything, in order, and leaves no timer behind; a second close is the same", async () => {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  await messaging.consume(defineConsumer("shipping", { store }).on(Placed, () => undefined));
  await messaging.publish(Placed({ orderId: "1" }));
  await here.clock.advance(5_000);
  await Promise.all([messaging.close(), messaging.close()]);
  await messaging[Symbol.asyncDispose]();
  expect(here.clock.pendingTimers()).toBe(0);
  expect(await messaging.health()).toEqual({
    ok: false,
    broker: { state: "closed", ...fine },
    store: { state: "ready", ...fine },
    relay: { state: "stopped", lastTurnAgeMs: expect.any(Number), ...fine },
    consumers: [],
  });
  await expect(messaging.publish(Ticked({ n: 1 }))).rejects.toMatchObject({ code: "USAGE_CLOSED" });
});

test("a step of closing that fails does not keep those after it from being done, and close fails with it", async () => {
  const here = place();
  const store = storeOn(here);
  const transport = changedPublisher(here, () => ({}));
  const close = vi.fn<() => Promise<void>>(transport.close);
  const onSignal = () => () => {
    throw new Error("the relay would not stop listening");
  };
  const messaging = await createMessaging({
    source: "/test",
    broker: { ...transport, close },
    store: { ...store, outbox: { ...store.outbox, onSignal } },
    clock: here.clock,
    logger: here.logger,
  });
  await expect(messaging.close()).rejects.toThrow("the relay would not stop listening");
  expect(close).toHaveBeenCalledTimes(1);
  await expect(messaging.publish(Ticked({ n: 1 }))).rejects.toMatchObject({ code: "USAGE_CLOSED" });
});

test("run lasts until the signal fires, and closes then; a signal that has fired closes at once", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const controller = new AbortController();
  let over = false;
  const running = messaging.run({ signal: controller.signal }).then(() => (over = true));
  await here.clock.advance(60_000);
  expect([over, (await messaging.health()).ok]).toEqual([false, true]);
  controller.abort();
  await running;
  expect((await messaging.health()).broker.state).toBe("closed");
  const other = await publisherOn(place());
  await other.run({ signal: AbortSignal.abort() });
  expect((await other.health()).broker.state).toBe("closed");
});

test("run ends with a close from elsewhere, leaves no listener on the signal, and is refused afterwards", async () => {
  const messaging = await publisherOn(place());
  const { signal } = new AbortController();
  const running = messaging.run({ signal });
  await messaging.close();
  await running;
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await expect(messaging.run({ signal })).rejects.toMatchObject({ code: "USAGE_CLOSED" });
  await expect(messaging.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "USAGE_CLOSED",
  });
});

test("run fails as the close from elsewhere does", async () => {
  const here = place();
  const broken = new Error("the socket is stuck");
  const transport = { ...memory({ broker: here.broker }), close: () => Promise.reject(broken) };
  const { clock, logger } = here;
  const messaging = await createMessaging({ source: "/test", broker: transport, clock, logger });
  const running = messaging.run({ signal: new AbortController().signal });
  const outcomes = await Promise.allSettled([messaging.close(), running]);
  expect(outcomes).toEqual([
    { status: "rejected", reason: broken },
    { status: "rejected", reason: broken },
  ]);
});

describe("a transport that was made by the caller", () => {
  const inUse = {
    code: "CONFIG_INVALID",
    problems: [expect.stringContaining("broker: this transport belongs to another messaging")],
  };

  test("belongs to one messaging until that is closed: a second is refused, and the first goes on", async () => {
    const here = place();
    const transport = memory({ broker: here.broker });
    const first = await publisherOn(here, { transport });
    await expect(publisherOn(here, { transport })).rejects.toMatchObject(inUse);
    await first.publish(Ticked({ n: 1 }));
    await first.close();
    const next = await publisherOn(here, { transport });
    await next.publish(Ticked({ n: 2 }));
    expect(here.broker.inspect().channels).toMatchObject([{ retained: 2 }]);
  });

  test("is refused to the second of two that start at once, and to one that starts while the first closes", async () => {
    const here = place();
    const transport = memory({ broker: here.broker });
    const [first, second] = await Promise.allSettled([
      publisherOn(here, { transport }),
      publisherOn(here, { transport }),
    ]);
    expect([first.status, second]).toEqual(["fulfilled", { status: "rejected", reason: expect.anything() }]);
    const closing = first.status === "fulfilled" ? first.value.close() : undefined;
    await expect(publisherOn(here, { transport })).rejects.toMatchObject(inUse);
    await closing;
  });

  test("is free again when the start failed", async () => {
    const here = place();
    const transport = memory({ broker: here.broker });
    const { broker, logger } = here;
    broker.stop();
    await expect(createMessaging({ source: "/a", broker: transport, logger })).rejects.toMatchObject({
      code: "TRANSPORT_UNAVAILABLE",
    });
    broker.start();
    const requires = ["wildcards"] as never;
    await expect(
      createMessaging({ source: "/a", broker: transport, logger, requires }),
    ).rejects.toMatchObject({
      code: "CONFIG_CAPABILITY_MISSING",
    });
    await (await publisherOn(here, { transport })).publish(Ticked({ n: 1 }));
  });

  test("may be connected before, may be frozen, and a changed copy is a transport of its own", async () => {
    const here = place();
    const transport = memory({ broker: here.broker });
    await transport.connect();
    await publisherOn(here, { transport });
    await publisherOn(here, { transport: Object.freeze({ ...transport }) });
  });
});

/** What there is to say of a part that is well. */
const fine = { errorCode: undefined, lastError: undefined };

test("144. health tells the state of broker, store, relay and consumers, each for itself", async () => {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  const consumer = await messaging.consume(defineConsumer("shipping").on(Placed, () => undefined));
  await messaging.consumeDeadLetters("shipping", () => undefined);
  await here.clock.advance(100);
  const running = [
    { name: "shipping", state: "running" },
    { name: "dead letters of shipping", state: "running" },
  ];
  expect(await messaging.health()).toEqual({
    ok: true,
    broker: { state: "ready", ...fine },
    store: { state: "ready", ...fine },
    relay: { state: "leading", lastTurnAgeMs: expect.any(Number), ...fine },
    consumers: running,
  });
  consumer.pause();
  expect(await messaging.health()).toMatchObject({ ok: true, consumers: [{ state: "paused" }, {}] });
  here.broker.stop();
  await until("it is noticed", async () => !(await messaging.health()).ok);
  expect(await messaging.health()).toMatchObject({
    ok: false,
    broker: { state: "reconnecting" },
    store: { state: "ready" },
  });
  here.broker.start();
  await until("it is back", async () => (await messaging.health()).broker.state === "ready");
});

test("144. health without a store has neither store nor relay", async () => {
  const messaging = await publisherOn(place());
  expect(await messaging.health()).toEqual({
    ok: true,
    broker: { state: "ready", ...fine },
    store: undefined,
    relay: undefined,
    consumers: [],
  });
});

test("144. health says why the store fails, and does not fail itself", async () => {
  const here = place();
  const ping = () => Promise.reject(new MessagingError("STORE_UNAVAILABLE", "connect ECONNREFUSED"));
  const messaging = await serviceOn(here, { store: { ...storeOn(here), ping } });
  expect(await messaging.health()).toMatchObject({
    ok: false,
    broker: { state: "ready" },
    store: { state: "failing", errorCode: "STORE_UNAVAILABLE", lastError: "connect ECONNREFUSED" },
  });
});

test("health of a store that hangs answers in a second, and asks it one question however often it is called", async () => {
  const here = place();
  const ping = vi.fn<() => Promise<void>>(() => new Promise(() => {}));
  const messaging = await serviceOn(here, { store: { ...storeOn(here), ping } });
  const checks = Promise.all([messaging.health(), messaging.health()]);
  await here.clock.advance(1_000);
  const later = messaging.health();
  await here.clock.advance(1_000);
  for (const health of [...(await checks), await later]) {
    expect(health).toMatchObject({ ok: false, store: { state: "failing", errorCode: "STORE_UNAVAILABLE" } });
  }
  expect(ping).toHaveBeenCalledTimes(1);
});

test("a consumer that waits for its database is told, and is not well", async () => {
  const here = place();
  const store = storeOn(here);
  const gone = new MessagingError("STORE_UNAVAILABLE", "connect ECONNREFUSED");
  const messaging = await serviceOn(here, {
    store: {
      ...store,
      transaction: async () => {
        throw gone;
      },
      isUnavailable: (error: unknown) => error === gone,
    },
  });
  await messaging.consume(defineConsumer("shipping").on(Placed, () => undefined));
  await messaging.publish(Placed({ orderId: "1" }));
  await until("it waits", async () => (await messaging.health()).consumers[0]?.state === "waiting-for-store");
  expect((await messaging.health()).ok).toBe(false);
});

test("a logger that throws changes nothing", async () => {
  const here = place();
  const broken: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => {
      throw new Error("the log is full");
    },
    error: () => {
      throw new Error("the log is full");
    },
  };
  const store = storeOn(here);
  const messaging = await serviceOn({ ...here, logger: { ...broken, lines: [] } }, { store });
  here.broker.stop();
  await messaging.unitOfWork().run(async ({ publish, afterCommit }) => {
    publish(Ticked({ n: 1 }));
    afterCommit(() => {
      throw new Error("a hook");
    });
  });
  await here.clock.advance(60_000);
  here.broker.start();
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await here.clock.runUntil(() => arrived.length === 1);
});

test("without a logger warnings and errors go to the console, and nothing else does", async () => {
  const lines: unknown[][] = [];
  const spies = (["debug", "info", "log", "warn", "error"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...given: unknown[]) => void lines.push([level, ...given])),
  );
  try {
    const here = place();
    const store = storeOn(here);
    const messaging = await createMessaging({
      source: "/test",
      broker: memory({ broker: here.broker, clock: here.clock }),
      clock: here.clock,
      store,
    });
    await messaging.unitOfWork().run(async ({ afterCommit }) => {
      afterCommit(() => {
        throw new Error("the cache is away");
      });
    });
    await messaging.close();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  expect(lines).toEqual([
    ["error", "[postrider] A hook after the commit failed", { reason: "the cache is away" }],
  ]);
});

/** Keeps the type of the options honest: what the tests above hand over by force is refused by the compiler. */
export const refused: Partial<Options> = {
  // @ts-expect-error -- a content mode that does not exist
  contentMode: "json",
};
