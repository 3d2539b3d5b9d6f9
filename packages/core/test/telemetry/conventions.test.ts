import {
  context,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type ContextManager,
} from "@opentelemetry/api";
import { defineConsumer, memory, MessagingError, noRetry, type Transport } from "@postrider/core";
import { expect, onTestFinished, test } from "vitest";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { commit, sealed } from "../memory/support/events.ts";
import { refusing, relayOn } from "../relay/support/relays.ts";
import { listenTo } from "../support/listener.ts";
import { Placed, Ticked } from "../support/orders.ts";
import { until } from "../support/recorder.ts";
import { changedPublisher, place, publisherOn, serviceOn, storeOn } from "../support/services.ts";
import { disableTelemetry, registerSdk } from "./support/sdk.ts";

const orders = "com.acme.orders";

test("spans are named and described as the messaging conventions of OpenTelemetry say, and as those for CloudEvents", async () => {
  const sdk = registerSdk();
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  await messaging.consume(defineConsumer("shipping", { store }).on(Placed, () => undefined));
  const draft = Placed({ orderId: "1" }, { id: "42", subject: "orders/1" });
  await messaging.unitOfWork().run(async ({ publish }) => publish(draft), { correlationId: "42" });
  await here.clock.advance(1_000);
  await until("it was handled", () => sdk.named(`process ${orders}`).length === 1);
  const shared = {
    "messaging.system.name": "memory",
    "messaging.system": "memory",
    "messaging.destination.name": orders,
    "messaging.message.id": "42",
    "messaging.message.conversation_id": "42",
    "cloudevents.event_id": "42",
    "cloudevents.event_source": "/test",
    "cloudevents.event_type": Placed.type,
    "cloudevents.event_subject": "orders/1",
    "cloudevents.event_spec_version": "1.0",
  };
  expect(sdk.named(`create ${orders}`)[0]).toMatchObject({
    kind: SpanKind.PRODUCER,
    attributes: { ...shared, "messaging.operation.name": "create", "messaging.operation.type": "create" },
  });
  expect(sdk.named(`publish ${orders}`)[0]).toMatchObject({
    kind: SpanKind.CLIENT,
    attributes: { ...shared, "messaging.operation.name": "publish", "messaging.operation.type": "send" },
  });
  expect(sdk.named(`process ${orders}`)[0]).toMatchObject({
    kind: SpanKind.CONSUMER,
    attributes: {
      ...shared,
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.consumer.group.name": "shipping",
      "postrider.attempt": 1,
    },
  });
});

test("a publish that fails ends its span with the code, and no part of the data", async () => {
  const sdk = registerSdk();
  const messaging = await publisherOn(place({ maxMessageBytes: 100 }));
  await expect(messaging.publish(Placed({ orderId: "secret-4711" }))).rejects.toThrow(MessagingError);
  await expect(
    messaging.publish(Placed({ orderId: "secret-4711", n: "secret-4712" as never })),
  ).rejects.toThrow(MessagingError);
  expect(sdk.spans().map(({ attributes, status }) => [attributes["error.type"], status.code])).toEqual([
    ["TRANSPORT_TOO_LARGE", SpanStatusCode.ERROR],
    ["CONTRACT_INVALID_DATA", SpanStatusCode.ERROR],
  ]);
  const all = JSON.stringify(
    sdk.spans().map(({ attributes, status, events }) => ({ attributes, status, events })),
  );
  expect(all).not.toContain("secret");
});

test("kafka's own name for sending is `send`", () => {
  const sdk = registerSdk();
  createTelemetry("kafka").startPublish({ channel: "c", type: "t" }).end();
  expect(sdk.named("send c")[0]?.attributes).toMatchObject({ "messaging.operation.name": "send" });
});

test("145. counters and histograms have the names, units, attributes and bounds of the conventions", async () => {
  const sdk = registerSdk();
  const here = place({ maxMessageBytes: 5_000 });
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  await messaging.consume(
    defineConsumer("shipping", { store, retry: noRetry() }).on(Placed, (event) => {
      if (event.data.orderId === "bad") throw new RangeError("no");
    }),
  );
  await messaging.publish(Placed({ orderId: "1" }));
  await messaging.publish(Placed({ orderId: "2", note: "x".repeat(5_000) })).catch(() => undefined);
  await messaging
    .unitOfWork()
    .run(async ({ publish }) => publish(Placed({ orderId: "3" }), Placed({ orderId: "bad" })));
  await here.clock.runUntil(() => here.broker.inspect().deadLetters.length === 1);
  await until("all were settled", () => here.broker.inspect().groups[0]?.unsettled === 0);
  const measured = await sdk.metrics();
  const values = (name: string) =>
    measured
      .filter((one) => one.name === name)
      .map(({ value, unit, attributes }) => [
        value,
        unit,
        attributes["error.type"] ?? attributes["postrider.outcome"],
      ]);
  expect(values("messaging.client.sent.messages")).toEqual([
    [3, "{message}", undefined],
    [1, "{message}", "TRANSPORT_TOO_LARGE"],
  ]);
  expect(values("messaging.client.operation.duration")).toEqual([
    [3, "s", undefined],
    [1, "s", "TRANSPORT_TOO_LARGE"],
  ]);
  expect(values("messaging.client.consumed.messages")).toEqual([[3, "{message}", undefined]]);
  expect(values("messaging.process.duration")).toEqual([
    [2, "s", undefined],
    [1, "s", "RangeError"],
  ]);
  expect(values("postrider.consumer.outcomes")).toEqual([
    [2, "{message}", "handled"],
    [1, "{message}", "dead-lettered"],
  ]);
  expect(values("postrider.relay.lag")).toEqual([[1, "s", undefined]]);
  const duration = measured.find(({ name }) => name === "messaging.process.duration");
  expect(duration?.bounds).toEqual([
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
  ]);
  expect(duration?.attributes).toMatchObject({
    "messaging.system.name": "memory",
    "messaging.operation.name": "process",
    "messaging.destination.name": orders,
    "messaging.consumer.group.name": "shipping",
  });
});

test("145. parked events are counted by what became of them, and the lag is that of the oldest of a page", async () => {
  const sdk = registerSdk();
  const here = place();
  const store = storeOn(here);
  const transport = refusing(here, (id) =>
    id === "bad" ? new MessagingError("TRANSPORT_TOO_LARGE", "no") : undefined,
  );
  const relay = await relayOn(here, store, { transport });
  await commit(store, sealed("old", { key: "l" }), sealed("bad", { key: "k" }), sealed("held", { key: "k" }));
  await here.clock.advance(4_000);
  await commit(store, sealed("new"));
  await relay.drainOnce();
  const measured = await sdk.metrics();
  expect(
    measured
      .filter(({ name }) => name === "postrider.relay.parked")
      .map(({ value, attributes }) => [attributes["postrider.outcome"], value]),
  ).toEqual([
    ["held", 1],
    ["dead", 1],
  ]);
  expect(measured.find(({ name }) => name === "postrider.relay.lag")?.value).toBe(1);
});

test("inside the client library of a broker other instrumentations are silenced: they would replace our headers", async () => {
  const sdk = registerSdk();
  const here = place();
  const instrumented = (): void =>
    trace.getTracer("instrumentation").startSpan("by the client library").end();
  const transport = changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      instrumented();
      await Promise.resolve();
      instrumented();
      return real.publish(batch, bounds);
    },
    publishRun: async (run, bounds) => {
      instrumented();
      return real.publishRun(run, bounds);
    },
  }));
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store, transport });
  await messaging.publish(Ticked({ n: 1 }));
  await messaging
    .unitOfWork()
    .run(async ({ publish }) => publish(Placed({ orderId: "1" }), Placed({ orderId: "1" })));
  await here.clock.advance(1_000);
  expect(sdk.named("by the client library")).toEqual([]);
  instrumented();
  expect(sdk.named("by the client library")).toHaveLength(1);
});

/** An object whose every member throws when it is called, and whose every result does, too. */
function throwing<T extends object>(): T {
  return new Proxy(
    {},
    {
      get: () => () => {
        throw new Error("telemetry is broken");
      },
    },
  ) as T;
}

/** The API asks it to disable itself before it lets go of it. */
function throwingManager(parts: Partial<ContextManager> = {}): ContextManager {
  const given: ContextManager = { ...parts, disable: () => given } as ContextManager;
  return new Proxy(given, {
    get: (target, name) => Reflect.get(target, name) ?? Reflect.get(throwing(), name),
  });
}

const broken: readonly (readonly [string, () => void])[] = [
  ["tracer provider", () => trace.setGlobalTracerProvider(throwing())],
  ["tracer", () => trace.setGlobalTracerProvider({ getTracer: () => throwing() })],
  [
    "span",
    () =>
      trace.setGlobalTracerProvider({
        getTracer: () => ({ startSpan: () => throwing(), startActiveSpan: () => throwing() }),
      }),
  ],
  ["meter provider", () => metrics.setGlobalMeterProvider(throwing())],
  ["meter", () => metrics.setGlobalMeterProvider({ getMeter: () => throwing() })],
  [
    "instrument",
    () =>
      metrics.setGlobalMeterProvider({
        getMeter: () => ({ createCounter: () => throwing(), createHistogram: () => throwing() }) as never,
      }),
  ],
  ["context manager", () => context.setGlobalContextManager(throwingManager())],
];

test.each(broken)("a %s that throws changes nothing on either path, and is counted", async (_, breakIt) => {
  breakIt();
  onTestFinished(disableTelemetry);
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store, telemetry: { baggage: ["tenant"] } });
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await messaging.consume(
    defineConsumer("shipping", { store }).on(Placed, (event, { publish }) =>
      publish(Ticked({ n: event.data.n ?? 0 })),
    ),
  );
  await messaging.publish(Placed({ orderId: "1", n: 1 }));
  await messaging
    .unitOfWork()
    .run(async ({ publish }) => publish(Placed({ orderId: "2", n: 2 }), Placed({ orderId: "2", n: 3 })));
  await expect(messaging.publish(Placed({ orderId: 1 as never }))).rejects.toMatchObject({
    code: "CONTRACT_INVALID_DATA",
  });
  await here.clock.runUntil(() => arrived.length === 3);

  const telemetry = createTelemetry("memory");
  const span = telemetry.startPublish({ channel: "c", type: "t" });
  span.describe({ channel: "c", type: "t", id: "1" });
  span.end(new Error("no"));
  expect(telemetry.untraced(() => "done")).toBe("done");
  await expect(
    telemetry.process({ channel: "c", type: "t", group: "g", attempt: 1 }, () =>
      Promise.reject(new RangeError("own")),
    ),
  ).rejects.toThrow(new RangeError("own"));
  telemetry.instruments.sent("c", 1, 1, undefined);
  expect(telemetry.faults()).toBeGreaterThan(0);
});

test("a context manager that throws after it ran the work changes nothing either: the work ran once", async () => {
  let runs = 0;
  context.setGlobalContextManager(
    throwingManager({
      active: () => ROOT_CONTEXT,
      with: (_, work, self, ...given) => {
        work.call(self as never, ...given);
        throw new Error("too late");
      },
    }),
  );
  onTestFinished(disableTelemetry);
  const telemetry = createTelemetry("memory");
  expect(telemetry.untraced(() => (runs += 1))).toBe(1);
  expect(() =>
    telemetry.untraced(() => {
      throw new RangeError("the work's own");
    }),
  ).toThrow(new RangeError("the work's own"));
});

test("a context manager that throws before it runs a handler does not keep it from running, once and as it is", async () => {
  context.setGlobalContextManager(throwingManager({ active: () => ROOT_CONTEXT }));
  onTestFinished(disableTelemetry);
  const telemetry = createTelemetry("memory");
  const facts = { channel: "c", type: "t", group: "g", attempt: 1 };
  let runs = 0;
  const work = async () => (runs += 1);
  expect(await telemetry.process(facts, work)).toBe(1);
  expect(telemetry.untraced(() => runs)).toBe(1);
  expect(telemetry.faults()).toBe(2);
});

test("without an SDK nothing is made up: messages carry no trace", async () => {
  disableTelemetry();
  const here = place();
  const transport: Transport = memory({ broker: here.broker, clock: here.clock });
  const messaging = await publisherOn(here, { transport });
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await messaging.publish(Ticked({ n: 1 }));
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]?.headers).toEqual({});
});
