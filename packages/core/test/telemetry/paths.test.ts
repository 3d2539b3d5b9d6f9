import { context, propagation, SpanKind } from "@opentelemetry/api";
import { defineConsumer, fixed, noRetry, Reject } from "@postrider/core";
import { expect, test } from "vitest";
import { listenTo } from "../support/listener.ts";
import { Placed, Ticked } from "../support/orders.ts";
import { until } from "../support/recorder.ts";
import { place, publisherOn, serviceOn, storeOn } from "../support/services.ts";
import { registerSdk, spanIdOf, traceIdOf } from "./support/sdk.ts";

const orders = "com.acme.orders";
const header = "00-11111111111111111111111111111111-2222222222222222-01";
const other = "00-33333333333333333333333333333333-4444444444444444-01";

/** What a foreign producer sends. */
const foreign = (parts: {
  readonly header?: string;
  readonly extension?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}) => ({
  attributes: {
    specversion: "1.0",
    id: "1",
    source: "/foreign",
    type: Placed.type,
    ...(parts.extension === undefined ? {} : { traceparent: parts.extension }),
    ...(parts.baggage === undefined ? {} : { baggage: parts.baggage }),
  },
  headers: {
    ...(parts.header === undefined ? {} : { traceparent: parts.header }),
    ...(parts.tracestate === undefined ? {} : { tracestate: parts.tracestate }),
  },
  contentType: "application/json",
  body: Buffer.from(`{"orderId":"1"}`),
});

test("67. one trace leads from the request through unit of work, outbox, relay and handler to the follow-up event", async () => {
  const sdk = registerSdk();
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await messaging.consume(
    defineConsumer("shipping", { store }).on(Placed, (_, { publish }) => publish(Ticked({ n: 1 }))),
  );
  const traceId = await sdk.inside("request", async (span) => {
    await messaging.unitOfWork().run(async ({ publish }) => publish(Placed({ orderId: "1" })));
    return span.spanContext().traceId;
  });
  await here.clock.advance(1_000);
  await until("the follow-up event arrived", () => arrived.length === 1);
  const path = sdk.spans().filter((span) => span.spanContext().traceId === traceId);
  const parentOf = (name: string) => {
    const span = path.find((one) => one.name === name);
    return path.find((one) => one.spanContext().spanId === span?.parentSpanContext?.spanId)?.name;
  };
  expect(path.map(({ name }) => name).toSorted()).toEqual(
    [
      `create ${orders}`,
      "create com.acme.ticks",
      `process ${orders}`,
      `publish ${orders}`,
      "publish com.acme.ticks",
      "request",
      "unit of work",
    ].toSorted(),
  );
  expect(parentOf("unit of work")).toBe("request");
  expect(parentOf(`create ${orders}`)).toBe("unit of work");
  expect(parentOf(`publish ${orders}`)).toBe(`create ${orders}`);
  expect(parentOf(`process ${orders}`)).toBe(`create ${orders}`);
  expect(parentOf("create com.acme.ticks")).toBe(`process ${orders}`);
  expect(traceIdOf(arrived[0]?.headers["traceparent"])).toBe(traceId);
  expect(sdk.spans().filter((span) => span.spanContext().traceId !== traceId)).toEqual([]);
});

test("67. header and CloudEvents extension hold the creation context, the same in both, on the direct way and through the outbox", async () => {
  const sdk = registerSdk();
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await messaging.publish(Ticked({ n: 1 }));
  await messaging.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 2 })));
  await here.clock.advance(1_000);
  await until("both arrived", () => arrived.length === 2);
  const [direct, relayed] = arrived;
  for (const message of arrived)
    expect(message.attributes["traceparent"]).toBe(message.headers["traceparent"]);
  const sends = sdk.named("publish com.acme.ticks");
  expect(spanIdOf(direct?.headers["traceparent"])).toBe(
    sends.find(({ kind }) => kind === SpanKind.PRODUCER)?.spanContext().spanId,
  );
  expect(spanIdOf(relayed?.headers["traceparent"])).toBe(
    sdk.named("create com.acme.ticks")[0]?.spanContext().spanId,
  );
});

test.each(["binary", "structured"] as const)(
  "67. the trace travels in %s content mode, too",
  async (contentMode) => {
    const sdk = registerSdk();
    const here = place();
    const messaging = await publisherOn(here, { contentMode });
    const seen: unknown[] = [];
    await messaging.consume(
      defineConsumer("shipping", { inbox: "none" }).on(Placed, (event) => void seen.push(event.traceparent)),
    );
    await messaging.publish(Placed({ orderId: "1" }));
    await until("it was handled", () => seen.length === 1);
    const send = sdk.named(`publish ${orders}`)[0];
    expect(spanIdOf(seen[0] as string)).toBe(send?.spanContext().spanId);
    await until("the span ended", () => sdk.named(`process ${orders}`).length === 1);
    expect(sdk.named(`process ${orders}`)[0]?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId);
  },
);

test("67. tracestate goes along", async () => {
  const sdk = registerSdk();
  const here = place();
  const messaging = await publisherOn(here);
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await messaging.consume(
    defineConsumer("shipping", { inbox: "none" }).on(Placed, (_, { publish }) => publish(Ticked({ n: 1 }))),
  );
  here.broker.inject(orders, foreign({ header, tracestate: "vendor=1" }));
  await until("the follow-up event arrived", () => arrived.length === 1);
  expect(arrived[0]?.headers["tracestate"]).toBe("vendor=1");
  expect(sdk.named(`process ${orders}`)[0]?.spanContext().traceState?.serialize()).toBe("vendor=1");
});

test("67. each attempt of a handler has a span of its own in the same trace, and the dead letter keeps the trace", async () => {
  const sdk = registerSdk();
  const here = place();
  const messaging = await publisherOn(here);
  let attempts = 0;
  await messaging.consume(
    defineConsumer("shipping", { inbox: "none", retry: fixed({ attempts: 2, delayMs: 1_000 }) }).on(
      Placed,
      () => {
        attempts += 1;
        throw new RangeError("not today");
      },
    ),
  );
  await messaging.publish(Placed({ orderId: "1" }));
  await until("the first attempt failed", () => attempts === 1);
  await here.clock.runUntil(() => here.broker.inspect().deadLetters.length === 1);
  const created = sdk.named(`publish ${orders}`)[0]?.spanContext();
  const processes = sdk.named(`process ${orders}`);
  expect(
    processes.map((span) => [
      span.spanContext().traceId,
      span.attributes["postrider.attempt"],
      span.attributes["error.type"],
    ]),
  ).toEqual([
    [created?.traceId, 1, "RangeError"],
    [created?.traceId, 2, "RangeError"],
  ]);
  const letters: { readonly traceparent: string | undefined }[] = [];
  await messaging.consumeDeadLetters("shipping", (letter) => {
    letters.push({ traceparent: letter.message.headers["traceparent"] });
  });
  await until("the letter was read", () => letters.length === 1);
  expect([traceIdOf(letters[0]?.traceparent), spanIdOf(letters[0]?.traceparent)]).toEqual([
    created?.traceId,
    created?.spanId,
  ]);
});

test("67. baggage travels by the list of allowed names, on every way, and nothing else of it does", async () => {
  const sdk = registerSdk();
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store, telemetry: { baggage: ["tenant", "region"] } });
  const seen: unknown[] = [];
  const { arrived } = await listenTo(here.broker, "com.acme.ticks", orders);
  await messaging.consume(
    defineConsumer("shipping", { store }).on(Placed, (_, { publish }) => {
      seen.push(propagation.getActiveBaggage()?.getAllEntries());
      publish(Ticked({ n: 3 }));
    }),
  );
  const baggage = propagation.createBaggage({
    tenant: { value: "a=b,c;d ü" },
    secret: { value: "no" },
    region: { value: "eu" },
  });
  await context.with(propagation.setBaggage(context.active(), baggage), async () => {
    await messaging.publish(Ticked({ n: 1 }));
    await messaging.unitOfWork().run(async ({ publish }) => publish(Placed({ orderId: "1", n: 2 })));
  });
  await here.clock.advance(1_000);
  await until("all arrived", () => arrived.length === 3);
  expect(seen).toEqual([
    [
      ["tenant", { value: "a=b,c;d ü" }],
      ["region", { value: "eu" }],
    ],
  ]);
  for (const { attributes } of arrived)
    expect(attributes["baggage"]).toBe("tenant=a%3Db%2Cc%3Bd%20%C3%BC,region=eu");
  expect(sdk.spans().length).toBeGreaterThan(0);
});

test("67. without a list no baggage travels, neither out nor in", async () => {
  registerSdk();
  const here = place();
  const messaging = await publisherOn(here);
  const seen: unknown[] = [];
  await messaging.consume(
    defineConsumer("shipping", { inbox: "none" }).on(
      Placed,
      () => void seen.push(propagation.getActiveBaggage()),
    ),
  );
  here.broker.inject(orders, foreign({ header, baggage: "tenant=a" }));
  await until("it was handled", () => seen.length === 1);
  expect(seen).toEqual([undefined]);
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  const baggage = propagation.createBaggage({ tenant: { value: "a" } });
  await context.with(propagation.setBaggage(context.active(), baggage), () =>
    messaging.publish(Ticked({ n: 1 })),
  );
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]?.attributes["baggage"]).toBeUndefined();
});

test("baggage of others is read as W3C writes it, and what cannot be read is left out", async () => {
  registerSdk();
  const here = place();
  const messaging = await publisherOn(here, { telemetry: { baggage: ["a", "b", "c", "d"] } });
  const seen: unknown[] = [];
  await messaging.consume(
    defineConsumer("shipping", { inbox: "none" }).on(
      Placed,
      () => void seen.push(propagation.getActiveBaggage()?.getAllEntries()),
    ),
  );
  here.broker.inject(orders, foreign({ header, baggage: " a = 1 ;p=x,b=x=y,c,d=%E0%A4%A,e=5" }));
  await until("it was handled", () => seen.length === 1);
  expect(seen[0]).toEqual([
    ["a", { value: "1" }],
    ["b", { value: "x=y" }],
    ["d", { value: "%E0%A4%A" }],
  ]);
});

/** The span of a handler that was given this message. */
async function processed(parts: Parameters<typeof foreign>[0], relation?: "parent" | "link") {
  const sdk = registerSdk();
  const here = place();
  const messaging = await publisherOn(here, { telemetry: { consumerSpanRelation: relation } });
  await messaging.consume(defineConsumer("shipping", { inbox: "none" }).on(Placed, () => undefined));
  here.broker.inject(orders, foreign(parts));
  await until("it was handled", () => sdk.named(`process ${orders}`).length === 1);
  const [span] = sdk.named(`process ${orders}`);
  return {
    traceId: span?.spanContext().traceId,
    parent: span?.parentSpanContext?.spanId,
    links: span?.links.map(({ context: linked }) => linked.traceId),
  };
}

test("by default a handler's span is a child of the creation context, and links to it", async () => {
  expect(await processed({ header })).toEqual({
    traceId: traceIdOf(header),
    parent: spanIdOf(header),
    links: [traceIdOf(header)],
  });
});

test("with `link` a handler's span begins a trace of its own and links to the creation context", async () => {
  const span = await processed({ header }, "link");
  expect(span.parent).toBeUndefined();
  expect(span.traceId).not.toBe(traceIdOf(header));
  expect(span.links).toEqual([traceIdOf(header)]);
});

test("the header goes before the extension, and the extension's trace, where it is another, is linked", async () => {
  expect(await processed({ header, extension: other })).toEqual({
    traceId: traceIdOf(header),
    parent: spanIdOf(header),
    links: [traceIdOf(header), traceIdOf(other)],
  });
});

test("without a header the extension counts", async () => {
  expect(await processed({ extension: other })).toMatchObject({
    traceId: traceIdOf(other),
    parent: spanIdOf(other),
  });
});

test.each([
  "",
  "garbage",
  "00-00000000000000000000000000000000-2222222222222222-01",
  "00-11111111111111111111111111111111-0000000000000000-01",
  "ff-11111111111111111111111111111111-2222222222222222-01",
  "00-11111111111111111111111111111111-2222222222222222-01-more",
  "00-1111111111111111111111111111111X-2222222222222222-01",
  `00-${"1".repeat(5_000)}`,
])(
  "a malformed traceparent (%s) is ignored: the message is handled in a trace of its own",
  async (malformed) => {
    const span = await processed({ header: malformed });
    expect(span.parent).toBeUndefined();
    expect(span.links).toEqual([]);
  },
);

test("67. an event that is forwarded keeps its creation context, and the span of forwarding links to it", async () => {
  const sdk = registerSdk();
  const here = place();
  const messaging = await publisherOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  await sdk.inside("request", () =>
    messaging.forward({
      specversion: "1.0",
      id: "1",
      source: "/foreign",
      type: Placed.type,
      traceparent: header,
      data: {},
    } as never),
  );
  await until("it arrived", () => arrived.length === 1);
  expect([arrived[0]?.headers["traceparent"], arrived[0]?.attributes["traceparent"]]).toEqual([
    header,
    header,
  ]);
  const [span] = sdk.named(`publish ${orders}`);
  expect(span?.kind).toBe(SpanKind.CLIENT);
  expect(span?.links.map(({ context: linked }) => linked.traceId)).toEqual([traceIdOf(header)]);
  expect(span?.parentSpanContext?.spanId).toBe(sdk.named("request")[0]?.spanContext().spanId);
});

test("a message that is rejected has the code on its span, and one without a trace is handled as well", async () => {
  const sdk = registerSdk();
  const here = place();
  const messaging = await publisherOn(here);
  await messaging.consume(
    defineConsumer("shipping", { inbox: "none", retry: noRetry() }).on(Placed, () => {
      throw new Reject("not ours");
    }),
  );
  here.broker.inject(orders, foreign({}));
  await until("it was dead-lettered", () => here.broker.inspect().deadLetters.length === 1);
  expect(sdk.named(`process ${orders}`)[0]?.attributes["error.type"]).toBe("HANDLER_REJECTED");
});
