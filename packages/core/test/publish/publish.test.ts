import { createMessaging, memory, type PublishError, type PublishOutcome } from "@postrider/core";
import { expect, test } from "vitest";
import { failureOf } from "../support/failure.ts";
import { recordingLogger, until } from "../support/recorder.ts";
import { listenTo, numbersOf } from "../support/listener.ts";
import { Cancelled, Placed, Ship, slowEvent, Ticked } from "../support/orders.ts";
import { changedPublisher, place, publisherOn } from "../support/services.ts";

const never = new Promise<never>(() => undefined);
const orders = "com.acme.orders";

test("7. publish resolves only after the broker confirmed", async () => {
  const here = place();
  let confirm: (outcomes: readonly PublishOutcome[]) => void = () => undefined;
  const transport = changedPublisher(here, () => ({
    publish: () => new Promise<readonly PublishOutcome[]>((resolve) => (confirm = resolve)),
  }));
  const messaging = await publisherOn(here, { transport });
  let resolved = false;
  const publishing = messaging.publish(Placed({ orderId: "1" })).then(() => (resolved = true));
  await here.clock.advance(1_000);
  expect(resolved).toBe(false);
  confirm([{ status: "confirmed" }]);
  await publishing;
  expect(resolved).toBe(true);
});

test("7. a publish that the broker refuses rejects, and says that the broker has it certainly not", async () => {
  const here = place({ maxMessageBytes: 300 });
  const messaging = await publisherOn(here);
  const large = messaging.publish(Placed({ orderId: "1", note: "x".repeat(500) }, { id: "large" }));
  await expect(large).rejects.toMatchObject({
    name: "PublishError",
    code: "TRANSPORT_TOO_LARGE",
    retryable: false,
    outcome: "rejected",
    context: { id: "large", type: Placed.type, channel: orders, outcome: "rejected" },
  });
});

test("9. publishing to a channel that does not exist creates it, or rejects with a code, as the transport is set", async () => {
  const here = place();
  const strict = await publisherOn(here, {
    transport: memory({ broker: here.broker, missingChannel: "reject" }),
  });
  await expect(strict.publish(Ticked({ n: 1 }))).rejects.toMatchObject({
    code: "TRANSPORT_CHANNEL_MISSING",
    outcome: "rejected",
  });
  const lax = await publisherOn(here);
  await lax.publish(Ticked({ n: 2 }));
  await strict.publish(Ticked({ n: 3 }));
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await until("both arrived", () => arrived.length === 2);
  expect(numbersOf(arrived)).toEqual([2, 3]);
});

test("49. publish after close rejects, and close waits for what is under way", async () => {
  const here = place();
  let confirm: (outcomes: readonly PublishOutcome[]) => void = () => undefined;
  const transport = changedPublisher(here, () => ({
    publish: () => new Promise<readonly PublishOutcome[]>((resolve) => (confirm = resolve)),
  }));
  const messaging = await publisherOn(here, { transport });
  const order: string[] = [];
  const publishing = messaging.publish(Placed({ orderId: "1" })).then(() => order.push("published"));
  await here.clock.advance(1);
  const closing = messaging.close().then(() => order.push("closed"));
  await here.clock.advance(1); // consumers end first, and may publish until then
  await expect(messaging.publish(Placed({ orderId: "2" }))).rejects.toMatchObject({
    code: "USAGE_CLOSED",
    outcome: "rejected",
  });
  await here.clock.advance(100);
  expect(order).toEqual([]);
  confirm([{ status: "confirmed" }]);
  await Promise.all([publishing, closing]);
  expect(order).toEqual(["published", "closed"]);
});

test("the deadline is kept although the transport never answers, and close does not wait for ever either", async () => {
  const here = place();
  const transport = changedPublisher(here, () => ({ publish: () => never }));
  const messaging = await publisherOn(here, { transport });
  const publishing = messaging.publish(Placed({ orderId: "1" }), { deadlineMs: 2_000 });
  const failure = failureOf(publishing);
  let closed = false;
  const closing = messaging.close().then(() => (closed = true));
  await here.clock.advance(1_900);
  expect(closed).toBe(false);
  await here.clock.advance(400);
  expect(await failure).toMatchObject({ code: "TRANSPORT_OUTCOME_UNKNOWN", outcome: "unknown" });
  await closing;
});

test("the deadline of a publish in options of the messaging is used where the call names none", async () => {
  const here = place();
  const deadlines: number[] = [];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => {
      deadlines.push(bounds.deadlineMs);
      return real.publish(batch, bounds);
    },
  }));
  const messaging = await publisherOn(here, { transport, publish: { deadlineMs: 7_000 } });
  await messaging.publish(Ticked({ n: 1 }));
  await messaging.publish(Ticked({ n: 1 }), { deadlineMs: 50 });
  expect(deadlines).toEqual([7_000, 50]);
});

test("a transport that rejects, throws or answers too few outcomes leaves those outcomes unknown, and only those", async () => {
  const here = place();
  const answers: (() => Promise<readonly PublishOutcome[]>)[] = [
    () => Promise.reject(new Error("the client broke")),
    () => {
      throw new Error("the client threw");
    },
    () => Promise.resolve([{ status: "confirmed" }]),
    () => Promise.resolve(undefined as never),
  ];
  const transport = changedPublisher(here, () => ({ publish: () => (answers.shift() ?? (() => never))() }));
  const messaging = await publisherOn(here, { transport });
  const two = [Ticked({ n: 1 }), Ticked({ n: 2 })];
  for (const expected of [
    ["unknown", "unknown"],
    ["unknown", "unknown"],
    ["confirmed", "unknown"],
    ["unknown", "unknown"],
  ]) {
    const results = await messaging.publishBatch(two);
    expect(results.map(({ status }) => status)).toEqual(expected);
    const codes = results.map((result) => (result.status === "confirmed" ? "confirmed" : result.error.code));
    expect(new Set(codes)).toEqual(
      new Set([...expected.filter((one) => one === "confirmed"), "TRANSPORT_FAILED"]),
    );
  }
});

test("8. each entry of a batch has its own result, in order; the good ones are sent once, whatever becomes of the others", async () => {
  const here = place({ maxMessageBytes: 300 });
  const messaging = await publisherOn(here);
  const results = await messaging.publishBatch([
    Ticked({ n: 1 }, { id: "a" }),
    Placed({ orderId: "x".repeat(400) }, { id: "large" }),
    Ticked({ n: "no number" as never }, { id: "invalid" }),
    Ticked({ n: 2 }, { id: "b" }),
  ]);
  expect(results).toMatchObject([
    { status: "confirmed", id: "a" },
    { status: "rejected", id: "large", error: { code: "TRANSPORT_TOO_LARGE" } },
    { status: "rejected", id: undefined, error: { code: "CONTRACT_INVALID_DATA" } },
    { status: "confirmed", id: "b" },
  ]);
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  await until("both arrived", () => arrived.length === 2);
  expect(numbersOf(arrived)).toEqual([1, 2]);
});

test("8. an entry that is no draft of an event does not hide what became of the others", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const results = await messaging.publishBatch([
    Ticked({ n: 1 }),
    Ship({ orderId: "1" }) as never,
    Placed as never,
    Ticked({ n: 2 }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["confirmed", "rejected", "rejected", "confirmed"]);
  expect(results[1]).toMatchObject({ error: { code: "USAGE_WRONG_KIND" } });
  await expect(messaging.publishBatch(Ticked({ n: 1 }) as never)).rejects.toMatchObject({
    code: "USAGE_WRONG_KIND",
  });
});

test("8. a later chunk that fails does not resend the earlier ones", async () => {
  const here = place();
  const batches: number[] = [];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => {
      batches.push(batch.length);
      return batches.length === 1
        ? real.publish(batch, bounds)
        : Promise.reject(new Error("the connection broke"));
    },
  }));
  const messaging = await publisherOn(here, { transport, publish: { maxMessagesInFlight: 2 } });
  const results = await messaging.publishBatch([1, 2, 3, 4].map((n) => Ticked({ n })));
  expect(results.map(({ status }) => status)).toEqual(["confirmed", "confirmed", "unknown", "unknown"]);
  expect(batches).toEqual([2, 2]);
});

test("all that is published in one turn goes to the transport in one batch", async () => {
  const here = place();
  const batches: number[] = [];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => {
      batches.push(batch.length);
      return real.publish(batch, bounds);
    },
  }));
  const messaging = await publisherOn(here, { transport });
  await Promise.all([1, 2, 3].map((n) => messaging.publish(Ticked({ n }))));
  await messaging.publish(Ticked({ n: 4 }));
  expect(batches).toEqual([3, 1]);
});

test("33. events of one channel leave in the order of the calls, although an asynchronous schema takes its time", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const { Slow, waiting, answer } = slowEvent();
  const { arrived } = await listenTo(here.broker, orders, "com.acme.ticks");
  const calls = [
    messaging.publish(Placed({ orderId: "1" }, { id: "1" })),
    messaging.publish(Slow({ orderId: "1", note: "a" }, { id: "2" })),
    messaging.publish(Placed({ orderId: "1" }, { id: "3" })),
    messaging.publish(Slow({ orderId: "1", note: "b" }, { id: "4" })),
    messaging.publish(Cancelled({ orderId: "1" }, { id: "5" })),
  ];
  // Side by side: the second does not wait for the first to be validated.
  await until("both are being validated", () => waiting.size === 2);
  answer("b");
  await until("the first arrived", () => arrived.length > 0);
  const other = messaging.publish(Ticked({ n: 1 }, { id: "other channel" }));
  await other;
  await until("the other channel does not wait", () => arrived.length === 2);
  expect(arrived.map(({ id }) => id)).toEqual(["1", "other channel"]);
  answer("a");
  await Promise.all(calls);
  calls.push(messaging.publish(Placed({ orderId: "1" }, { id: "6" })));
  await Promise.all(calls);
  await until("all arrived", () => arrived.length === 7);
  expect(arrived.map(({ id }) => id).filter((id) => id.length === 1)).toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("an asynchronous schema that fails or never answers delays those behind it to its deadline at most", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const { Slow, waiting, answer } = slowEvent();
  const late = failureOf(messaging.publish(Slow({ orderId: "1", note: "hangs" }), { deadlineMs: 1_000 }));
  const wrong = failureOf(messaging.publish(Slow({ orderId: "1", note: "wrong" })));
  const impatient = failureOf(
    messaging.publish(Placed({ orderId: "1" }, { id: "impatient" }), { deadlineMs: 500 }),
  );
  const patient = messaging.publish(Placed({ orderId: "1" }, { id: "patient" }));
  await until("both are being validated", () => waiting.size === 2);
  answer("wrong");
  await here.clock.advance(999);
  expect(await impatient).toMatchObject({ code: "TRANSPORT_DEADLINE", outcome: "rejected" });
  expect(here.broker.inspect().channels).toEqual([]);
  await here.clock.advance(1);
  expect(await late).toMatchObject({ code: "TRANSPORT_DEADLINE", outcome: "rejected" });
  expect(await wrong).toMatchObject({ code: "CONTRACT_INVALID_DATA" });
  await patient;
  answer("hangs"); // nobody waits for it any more
  const { arrived } = await listenTo(here.broker, orders);
  await until("it arrived", () => arrived.length > 0);
  expect(arrived.map(({ id }) => id)).toEqual(["patient"]);
});

test("who waits for a schema is given up by its signal, and is never sent afterwards", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const { Slow, waiting, answer } = slowEvent();
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const first = failureOf(messaging.publish(Slow({ orderId: "1", note: "a" }), options));
  const behind = failureOf(messaging.publish(Placed({ orderId: "1" }), options));
  await until("it is being validated", () => waiting.size === 1);
  controller.abort();
  const rejected = { code: "TRANSPORT_DEADLINE", outcome: "rejected" };
  expect([await first, await behind]).toMatchObject([rejected, rejected]);
  answer("a");
  await here.clock.advance(1_000);
  expect(here.broker.inspect().channels).toEqual([]);
});

test("64. data that does not match its schema fails in the caller, before anything is sent, and the value stays out of the error", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  const secret = "4711-secret";
  const publishing = messaging.publish(Placed({ orderId: secret, n: "many" as never }));
  const error: unknown = await publishing.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: "ValidationError",
    code: "CONTRACT_INVALID_DATA",
    retryable: false,
    issues: [{ path: ["n"] }],
  });
  expect(JSON.stringify(error) + String(error)).not.toContain(secret);
  expect(String(error)).not.toContain("many");
  expect(here.broker.inspect().channels).toEqual([]);
});

const wrong: readonly (readonly [string, unknown, string])[] = [
  ["a command", Ship({ orderId: "1" }), `'${Ship.type}' is a command, and publish takes an event.`],
  [
    "a definition",
    Placed,
    "publish was given a definition: call it with the data, as in OrderPlaced({ … }).",
  ],
  [
    "an object that looks like a draft",
    { kind: "event", type: Placed.type, data: {} },
    "publish was given object, not the draft that a definition returns.",
  ],
  ["null", null, "publish was given null, not the draft that a definition returns."],
  ["nothing", undefined, "publish was given undefined, not the draft that a definition returns."],
];

test("publish refuses a domain event and says what to do", async () => {
  const messaging = await publisherOn(place());
  const given = { kind: "domain-event", type: "order-paid", data: {} };
  await expect(messaging.publish(given as never)).rejects.toMatchObject({
    code: "USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE",
    message:
      "publish was given a domain event, which never leaves the service: map it to an integration event.",
    context: { type: "order-paid" },
  });
});

test.each(wrong)("publish refuses %s and says what to do", async (_, given, sentence) => {
  const messaging = await publisherOn(place());
  await expect(messaging.publish(given as never)).rejects.toMatchObject({
    code: "USAGE_WRONG_KIND",
    message: sentence,
  });
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
  "a deadline of %s ms is refused",
  async (deadlineMs) => {
    const messaging = await publisherOn(place());
    await expect(messaging.publish(Ticked({ n: 1 }), { deadlineMs })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  },
);

test("the key of a call goes before the draft's, and that before the definition's", async () => {
  const here = place();
  const messaging = await publisherOn(here);
  await messaging.publish(Placed({ orderId: "definition" }));
  await messaging.publish(Placed({ orderId: "definition" }, { key: "draft" }));
  await messaging.publish(Placed({ orderId: "definition" }, { key: "draft" }), { key: "call" });
  const { arrived } = await listenTo(here.broker, orders);
  await until("all arrived", () => arrived.length === 3);
  expect(arrived.map(({ key }) => key)).toEqual(["definition", "draft", "call"]);
  expect(arrived.map(({ attributes }) => attributes["partitionkey"])).toEqual([
    "definition",
    "draft",
    "call",
  ]);
});

test("a publish that its signal gives up before it was sent is rejected, one that was sent is unknown", async () => {
  const here = place();
  const sent: number[] = [];
  const transport = changedPublisher(here, () => ({
    publish: (batch) => {
      sent.push(batch.length);
      return never;
    },
  }));
  const messaging = await publisherOn(here, { transport });
  const fired = AbortSignal.abort(new Error("the request is gone"));
  const before = await messaging
    .publish(Ticked({ n: 1 }), { signal: fired })
    .catch((error: unknown) => error);
  expect(before).toBe(fired.reason);
  const options = { signal: fired };
  await expect(messaging.publishBatch([Ticked({ n: 1 })], options)).rejects.toBe(fired.reason);
  const event = { specversion: "1.0", id: "1", source: "/a", type: Ticked.type };
  await expect(messaging.forward(event, options)).rejects.toBe(fired.reason);
  const sameTurn = new AbortController();
  const racing = messaging.publish(Ticked({ n: 2 }), { signal: sameTurn.signal });
  sameTurn.abort();
  await expect(racing).rejects.toMatchObject({ outcome: "rejected", code: "TRANSPORT_DEADLINE" });
  expect(sent).toEqual([]);
  const later = new AbortController();
  const after = messaging.publish(Ticked({ n: 3 }), { signal: later.signal });
  await until("it was sent", () => sent.length === 1);
  later.abort();
  const error = (await after.catch((thrown: unknown) => thrown)) as PublishError;
  expect(error).toMatchObject({ outcome: "unknown", code: "TRANSPORT_OUTCOME_UNKNOWN" });
});

test("16. two messagings in one process do not cross", async () => {
  const [one, other] = [place(), place()];
  const [a, b] = [await publisherOn(one), await publisherOn(other)];
  await a.publish(Ticked({ n: 1 }));
  await b.publish(Ticked({ n: 2 }));
  await a.close();
  await b.publish(Ticked({ n: 3 }));
  const heardA = await listenTo(one.broker, "com.acme.ticks");
  const heardB = await listenTo(other.broker, "com.acme.ticks");
  await until("all arrived", () => heardA.arrived.length === 1 && heardB.arrived.length === 2);
  expect([numbersOf(heardA.arrived), numbersOf(heardB.arrived)]).toEqual([[1], [2, 3]]);
});

test("147. nothing above info is logged on the way of an event that goes well", async () => {
  const here = place();
  const logger = recordingLogger();
  const messaging = await createMessaging({
    source: "/test",
    broker: memory({ broker: here.broker, clock: here.clock }),
    clock: here.clock,
    logger,
  });
  await messaging.publish(Ticked({ n: 1 }));
  await messaging.close();
  expect(logger.lines).toEqual([]);
});
