import {
  defineConsumer,
  defineEvent,
  immediate,
  memory,
  noRetry,
  upcastFrom,
  upcastFromType,
  type ForeignMapper,
  type InjectedMessage,
} from "@postrider/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { until } from "../support/recorder.ts";
import { OrderPlaced, StockReserved, Ticked } from "./support/events.ts";
import { createWorld } from "./support/world.ts";

const json = (data: unknown): Pick<InjectedMessage, "contentType" | "body"> => ({
  contentType: "application/json",
  body: Buffer.from(JSON.stringify(data)),
});
const attributes = (type: string, more: Record<string, string> = {}) => ({
  specversion: "1.0",
  id: "1",
  source: "/elsewhere",
  type,
  ...more,
});
const reasons = (world: ReturnType<typeof createWorld>) =>
  world.broker.inspect().deadLetters.map(({ headers }) => headers["postrider-dead-letter-reason"]);

describe("what cannot be worked on", () => {
  test("59. an event without a required attribute goes to the dead letters with its reason; unknown extensions are kept", async () => {
    const world = createWorld();
    const service = await world.service();
    const extensions: unknown[] = [];
    const consumer = defineConsumer("g", { inbox: "none" }).on(
      Ticked,
      (_, context) => void extensions.push(context.extensions),
    );
    await service.consume(consumer);
    const { source: _, ...sourceless } = attributes(Ticked.type);
    world.broker.inject(Ticked.channel, { attributes: sourceless, ...json({ n: 1 }) });
    world.broker.inject(Ticked.channel, {
      attributes: attributes(Ticked.type, { region: "eu" }),
      ...json({ n: 2 }),
    });
    await world.drained("g");
    expect(reasons(world)).toEqual(["invalid"]);
    expect(extensions).toEqual([{ region: "eu" }]);
  });

  test("64. data that breaks the schema is dead-lettered before any handler, without a retry, and its values stay private", async () => {
    const world = createWorld();
    const service = await world.service();
    let calls = 0;
    const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 5 }) }).on(
      Ticked,
      () => void (calls += 1),
    );
    const subscription = await service.consume(consumer);
    world.broker.inject(Ticked.channel, {
      attributes: attributes(Ticked.type),
      ...json({ n: "secret-4711" }),
    });
    await world.drained("g");
    expect(calls).toBe(0);
    expect(reasons(world)).toEqual(["invalid"]);
    expect(subscription.counts()).toMatchObject({ retried: 0, "dead-lettered": 1 });
    expect(
      JSON.stringify([world.logger.lines, world.broker.inspect().deadLetters.map(({ headers }) => headers)]),
    ).not.toContain("secret-4711");
  });

  test("64. what a handler publishes is validated before any of it is stored or sent", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const wrong = { orderId: 1 } as unknown as { orderId: string };
    const consumer = defineConsumer("g", { store, retry: noRetry() }).on(
      Ticked,
      async (_, { tx, publish }) => {
        await tx.put("rows", "a", 1);
        publish(StockReserved({ orderId: "good" }), StockReserved(wrong));
      },
    );
    await service.relay?.stop();
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(store.rows("rows").size).toBe(0);
    expect(await store.relay.status()).toMatchObject({ backlog: 0 });
    expect(world.group("g").deadLetters).toBe(1);
  });

  test("78. bytes that are no event go to the dead letters as they came, and later messages flow", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: number[] = [];
    await service.consume(
      defineConsumer("g", { inbox: "none", concurrency: 1, maxInFlight: 1 }).on(
        Ticked,
        ({ data }) => void seen.push(data.n),
      ),
    );
    const body = Buffer.from([0xff, 0x00, 0xfe]);
    world.broker.inject(Ticked.channel, { body, headers: { "x-a": "kept" } });
    await service.publish(Ticked({ n: 2 }));
    await world.drained("g");
    expect(seen).toEqual([2]);
    expect(reasons(world)).toEqual(["undecodable"]);
    const [letter] = world.broker.inspect().deadLetters;
    expect(letter?.body).toEqual(new Uint8Array(body));
    expect(letter?.headers["x-a"]).toBe("kept");
  });

  test("66. a type that nobody handles is acknowledged and counted", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => {}));
    world.broker.inject(Ticked.channel, structured("test.ticks.unknown.v1"));
    await until("it was counted", () => subscription.counts().unhandled === 1);
    await world.drained("g");
    expect(world.group("g").deadLetters).toBe(0);
  });

  test("66. or goes to the dead letters, where the consumer says so", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(
      defineConsumer("g", { inbox: "none", unhandled: "dead-letter" }).on(Ticked, () => {}),
    );
    world.broker.inject(Ticked.channel, { attributes: attributes("test.ticks.unknown.v1"), ...json({}) });
    await world.drained("g");
    expect(reasons(world)).toEqual(["unhandled-type"]);
    expect(subscription.counts()).toMatchObject({ unhandled: 0, "dead-lettered": 1 });
  });

  test("66. a type that is ignored on purpose counts as handled", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(
      defineConsumer("g", { inbox: "none", unhandled: "dead-letter" }).ignore(Ticked),
    );
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ handled: 1, "dead-lettered": 0 });
  });

  test("a schema that throws for the moment is retried like a handler, not dead-lettered as invalid", async () => {
    const world = createWorld();
    const service = await world.service();
    let calls = 0;
    const validate = (value: unknown): StandardSchemaV1.Result<{ n: number }> => {
      calls += 1;
      if (calls === 2) throw new Error("the registry is away");
      return { value: value as { n: number } };
    };
    const schema: StandardSchemaV1<{ n: number }> = { "~standard": { version: 1, vendor: "test", validate } };
    const Moody = defineEvent("test.moods.mood.v1", { data: schema });
    const seen: number[] = [];
    await service.consume(
      defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(
        Moody,
        (_, { attempt }) => void seen.push(attempt),
      ),
    );
    await service.publish(Moody({ n: 1 })); // the first call
    await world.drained("g");
    expect(seen).toEqual([2]);
  });

  test("a schema that never settles has no more time than a handler", async () => {
    const world = createWorld();
    const service = await world.service();
    let hang = false;
    const Slow = defineEvent("test.moods.slow.v1", {
      data: z
        .object({ n: z.number() })
        .refine(() => (hang ? new Promise<boolean>(() => {}) : Promise.resolve(true))),
    });
    const subscription = await service.consume(
      defineConsumer("g", { inbox: "none", retry: noRetry(), timeoutMs: 1_000 }).on(Slow, () => {}),
    );
    await service.publish(Slow({ n: 1 }));
    await world.drained("g");
    const [producer] = [await world.service()];
    await producer.publish(Slow({ n: 2 }));
    await world.drained("g");
    expect(subscription.counts().handled).toBe(2);
    const sent = producer.publish(Slow({ n: 3 }));
    hang = true;
    await sent;
    await world.drainedInTime("g");
    expect(subscription.counts()).toMatchObject({ handled: 2, "dead-lettered": 1 });
  });
});

describe("a schema of what a handler publishes that never settles has no more time than the handler", () => {
  const Endless = defineEvent("test.moods.endless.v1", {
    data: z.object({ n: z.number() }).refine(() => new Promise<boolean>(() => {})),
  });
  const limits = { retry: noRetry(), timeoutMs: 1_000 };

  test("in a transaction", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const subscription = await service.consume(
      defineConsumer("g", { store, ...limits }).on(Ticked, (_, { publish }) => publish(Endless({ n: 1 }))),
    );
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(subscription.counts()).toMatchObject({ handled: 0, "dead-lettered": 1 });
  });

  test("without a store", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(
      defineConsumer("g", { inbox: "none", ...limits }).on(Ticked, (_, { publish }) =>
        publish(Endless({ n: 1 })),
      ),
    );
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(subscription.counts()).toMatchObject({ handled: 0, "dead-lettered": 1 });
  });
});

/** A CloudEvent of which the broker sees no type, so that no filter holds it back. */
function structured(type: string): InjectedMessage {
  return {
    contentType: "application/cloudevents+json",
    body: Buffer.from(JSON.stringify({ ...attributes(type), data: {} })),
  };
}

describe("61. messages of producers that know no CloudEvents", () => {
  const mapper: ForeignMapper = ({ body, headers }) => {
    if (headers["x-kind"] !== "tick") return undefined;
    return {
      type: Ticked.type,
      id: headers["x-id"] ?? "",
      source: "/legacy",
      data: JSON.parse(Buffer.from(body ?? []).toString()),
      tenant: "acme",
    };
  };
  const legacy = (kind: string, type?: string): InjectedMessage => ({
    headers: { "x-kind": kind, "x-id": "7" },
    type,
    ...json({ n: 7 }),
  });

  test("are accepted through the mapper, whatever type their producer gave them at the broker", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: unknown[] = [];
    const consumer = defineConsumer("g", { inbox: "memory", foreign: mapper }).on(
      Ticked,
      (event, { tenant }) => void seen.push([event.id, event.source, event.data, tenant]),
    );
    await service.consume(consumer);
    world.broker.inject(Ticked.channel, legacy("tick"));
    world.broker.inject(Ticked.channel, {
      ...legacy("tick", "LEGACY_TICK"),
      headers: { "x-kind": "tick", "x-id": "8" },
    });
    await world.drained("g");
    expect(seen).toEqual([
      ["7", "/legacy", { n: 7 }, "acme"],
      ["8", "/legacy", { n: 7 }, "acme"],
    ]);
  });

  test("are dead-lettered when the mapper knows them not, or throws", async () => {
    const world = createWorld();
    const service = await world.service();
    const throwing: ForeignMapper = (incoming) => {
      if (incoming.headers["x-kind"] === "bad") throw new Error("no JSON");
      return mapper(incoming);
    };
    await service.consume(defineConsumer("g", { inbox: "none", foreign: throwing }).on(Ticked, () => {}));
    world.broker.inject(Ticked.channel, legacy("other"));
    world.broker.inject(Ticked.channel, legacy("bad"));
    await world.drained("g");
    expect(reasons(world)).toEqual(["undecodable", "undecodable"]);
  });

  test("do not hang when the mapper throws only the second time", async () => {
    const world = createWorld();
    const service = await world.service();
    let calls = 0;
    const once: ForeignMapper = (incoming) => {
      calls += 1;
      if (calls === 2) throw new Error("the second time");
      return mapper(incoming);
    };
    const attempts: number[] = [];
    const consumer = defineConsumer("g", {
      inbox: "none",
      ordering: "key",
      foreign: once,
      retry: immediate({ attempts: 3 }),
    }).on(Ticked, (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error("once");
    });
    const subscription = await service.consume(consumer);
    world.broker.inject(Ticked.channel, { ...legacy("tick"), key: "k" });
    await world.drainedInTime("g");
    expect(attempts).toEqual([1, 3]);
    expect(subscription.counts().handled).toBe(1);
  });
});

describe("62. what a handler publishes", () => {
  const cause = { id: "cause", tenant: "acme", extensions: { correlationid: "conversation" } };
  const lineage = (
    { correlationid, causationid }: { correlationid?: string; causationid?: string },
    tenant: string | undefined,
  ) => ({
    correlationid,
    causationid,
    tenant,
  });

  test.each(["with a store", "without a store"])(
    "through its context inherits correlation, causation and tenant (%s)",
    async (how) => {
      const world = createWorld();
      const store = world.store();
      const service = how === "with a store" ? await world.storing(store) : await world.service();
      const seen: unknown[] = [];
      await service.consume(
        defineConsumer("first").on(Ticked, (_, { publish }) => publish(OrderPlaced({ orderId: "1" }))),
      );
      await service.consume(
        defineConsumer("second").on(
          OrderPlaced,
          (event, { tenant }) => void seen.push(lineage(event, tenant)),
        ),
      );
      await service.publish(Ticked({ n: 1 }, cause));
      await until("the follow-up came", () => seen.length === 1);
      expect(seen).toEqual([{ correlationid: "conversation", causationid: "cause", tenant: "acme" }]);
    },
  );

  test("through the messaging itself, where there is no store, inherits them too; afterwards nothing is inherited", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: unknown[] = [];
    await service.consume(
      defineConsumer("first", { inbox: "none" }).on(Ticked, () =>
        service.publish(OrderPlaced({ orderId: "1" })),
      ),
    );
    await service.consume(
      defineConsumer("second", { inbox: "none" }).on(
        OrderPlaced,
        (event, { tenant }) => void seen.push(lineage(event, tenant)),
      ),
    );
    await service.publish(Ticked({ n: 1 }, cause));
    await until("the follow-up came", () => seen.length === 1);
    await service.publish(OrderPlaced({ orderId: "2" }, { id: "alone" }));
    await until("the other came", () => seen.length === 2);
    expect(seen).toEqual([
      { correlationid: "conversation", causationid: "cause", tenant: "acme" },
      { correlationid: "alone", causationid: undefined, tenant: undefined },
    ]);
  });

  test("through the messaging itself is refused inside a transaction", async () => {
    const world = createWorld();
    const store = world.store();
    const service = await world.storing(store);
    const thrown: unknown[] = [];
    await service.consume(
      defineConsumer("g", { store }).on(Ticked, () =>
        service.publish(OrderPlaced({ orderId: "1" })).catch((error: unknown) => void thrown.push(error)),
      ),
    );
    await service.publish(Ticked({ n: 1 }));
    await world.drained("g");
    expect(thrown).toEqual([expect.objectContaining({ code: "USAGE_INSIDE_TRANSACTION" })]);
  });

  test("never inherits from a handler that merely woke its consumer", async () => {
    const world = createWorld();
    const kept: (() => void)[] = [];
    const transport = memory({ broker: world.broker, clock: world.clock });
    const service = await world.service({
      transport: {
        ...transport,
        // A broker in this process may hand over in the very turn in which somebody else's handler publishes.
        consumer: {
          subscribe: (request, receive) =>
            transport.consumer.subscribe(request, (delivery) => {
              if (request.group === "batches") kept.push(() => receive(delivery));
              else receive(delivery);
            }),
        },
      },
    });
    const seen: unknown[] = [];
    // A batch has many causes, so what it publishes has none; least of all that of the handler in whose turn it began.
    const batches = defineConsumer("batches", { inbox: "none" }).onBatch(
      OrderPlaced,
      (events, { publish }) => publish(StockReserved({ orderId: "1" }, { id: `of-${events.length}` })),
      { maxSize: 2, maxWaitMs: 60_000 },
    );
    await service.consume(batches);
    await service.consume(
      defineConsumer("waker", { inbox: "none" }).on(Ticked, () => {
        for (const handOver of kept) handOver();
      }),
    );
    await service.consume(
      defineConsumer("last", { inbox: "none" }).on(
        StockReserved,
        (event, { tenant }) => void seen.push(lineage(event, tenant)),
      ),
    );
    await service.publishBatch([OrderPlaced({ orderId: "1" }), OrderPlaced({ orderId: "2" })]);
    await until("both are kept", () => kept.length === 2);
    await service.publish(Ticked({ n: 1 }, cause));
    await until("the last came", () => seen.length === 1);
    expect(seen).toEqual([{ correlationid: "of-2", causationid: undefined, tenant: undefined }]);
  });
});

test("63. headers of the library reach no handler and no follow-up", async () => {
  const world = createWorld();
  const service = await world.service();
  const seen: unknown[] = [];
  await service.consume(
    defineConsumer("first", { inbox: "none" }).on(Ticked, (_, { headers, publish }) => {
      seen.push(headers);
      publish(OrderPlaced({ orderId: "1" }));
    }),
  );
  await service.consume(
    defineConsumer("second", { inbox: "none" }).on(OrderPlaced, (_, { headers }) => void seen.push(headers)),
  );
  world.broker.inject(Ticked.channel, {
    attributes: attributes(Ticked.type),
    headers: { "postrider-attempt": "3", "Postrider-Delay": "5", "x-user": "kept" },
    ...json({ n: 1 }),
  });
  await until("both came", () => seen.length === 2);
  expect(seen).toEqual([{ "x-user": "kept" }, {}]);
});

describe("65. older versions", () => {
  const V1 = defineEvent("test.users.user-named.v1", { data: z.object({ name: z.string() }) });
  const V2 = defineEvent("test.users.user-named.v2", {
    data: z.object({ first: z.string(), last: z.string().default("") }),
    upcast: [
      upcastFrom(V1, ({ name }) => ({ first: name.split(" ")[0] ?? "", last: name.split(" ")[1] ?? "" })),
      upcastFromType("test.users.user-named.v0", (old) => ({ first: String((old as { n: unknown }).n) })),
    ],
  });

  test("are lifted for the handler of the newer definition, its schema included", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: unknown[] = [];
    await service.consume(
      defineConsumer("g", { inbox: "none", concurrency: 1 }).on(
        V2,
        (event) => void seen.push([event.type, event.data]),
      ),
    );
    await service.publish(V1({ name: "Ada Lovelace" }));
    world.broker.inject(V2.channel, {
      attributes: attributes("test.users.user-named.v0"),
      ...json({ n: "Grace" }),
    });
    await world.drained("g");
    expect(seen).toEqual([
      [V2.type, { first: "Ada", last: "Lovelace" }],
      [V2.type, { first: "Grace", last: "" }],
    ]);
  });

  test("go to a handler of their own where there is one", async () => {
    const world = createWorld();
    const service = await world.service();
    const seen: string[] = [];
    await service.consume(
      defineConsumer("g", { inbox: "none" })
        .on(V2, () => void seen.push("lifted"))
        .on(V1, ({ data }) => void seen.push(data.name)),
    );
    await service.publish(V1({ name: "Ada" }));
    await world.drained("g");
    expect(seen).toEqual(["Ada"]);
  });

  test("that break their own schema are invalid, and a newer version than all known is unhandled", async () => {
    const world = createWorld();
    const service = await world.service();
    const subscription = await service.consume(defineConsumer("g", { inbox: "none" }).on(V2, () => {}));
    world.broker.inject(V1.channel, { attributes: attributes(V1.type), ...json({ name: 7 }) });
    world.broker.inject(V1.channel, structured("test.users.user-named.v3"));
    await world.drained("g");
    expect(reasons(world)).toEqual(["invalid"]);
    expect(subscription.counts()).toMatchObject({ unhandled: 1, "dead-lettered": 1 });
  });

  test("that an upcast cannot lift are retried, since code can be mended, and then dead-lettered", async () => {
    const world = createWorld();
    const service = await world.service();
    const Broken = defineEvent("test.users.user-broken.v2", {
      data: z.object({}),
      upcast: [
        upcastFromType("test.users.user-broken.v1", () => {
          throw new TypeError("cannot lift");
        }),
      ],
    });
    const subscription = await service.consume(
      defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(Broken, () => {}),
    );
    world.broker.inject(Broken.channel, { attributes: attributes("test.users.user-broken.v1"), ...json({}) });
    await world.drained("g");
    expect(subscription.counts()).toMatchObject({ retried: 1, "dead-lettered": 1 });
    expect(reasons(world)).toEqual(["exhausted"]);
  });
});
