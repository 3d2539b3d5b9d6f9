import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { attributeLimits } from "../../src/envelope/attributes.ts";
import { decode } from "../../src/envelope/decode.ts";
import { encode } from "../../src/envelope/encode.ts";
import { createSealer, type SealingContext } from "../../src/envelope/seal.ts";
import { shardOf } from "../../src/envelope/shard.ts";
import type { SealedEvent } from "../../src/contracts/sealed-event.ts";
import { isMessagingError, OptionsError, ValidationError } from "../../src/errors.ts";
import { defineEvent } from "../../src/event/define.ts";
import { partsOfDraft, type EventDraft } from "../../src/event/draft.ts";
import {
  anySchema,
  arrived,
  asyncSchema,
  problemsOf,
  refusal,
  sealerWithIds,
  startMs,
  stoppedClock,
  textOf,
  coded,
} from "./given.ts";

const OrderPlaced = defineEvent("com.acme.orders.order-placed.v1", {
  data: z.object({
    orderId: z.string(),
    at: z.iso
      .datetime()
      .transform((text) => new Date(text))
      .optional(),
  }),
  key: (data) => data.orderId,
});
const Anything = defineEvent("com.acme.any.thing-happened.v1", { data: anySchema<unknown>() });

function seal(draft: EventDraft, context?: SealingContext, sealer = sealerWithIds("id-1")): SealedEvent {
  const sealed = sealer.seal(draft, partsOfDraft(draft, "publish", "event"), context);
  if (sealed instanceof Promise) throw new Error("a synchronous schema gave a promise");
  return sealed;
}

describe("sealing a draft", () => {
  test("62. decides id, source, time, type, channel, key, shard and correlation", () => {
    expect(seal(OrderPlaced({ orderId: "o-1" }))).toEqual({
      id: "id-1",
      source: "/services/orders",
      type: "com.acme.orders.order-placed.v1",
      specversion: "1.0",
      time: "2026-03-01T10:20:30.456Z",
      subject: undefined,
      contentType: "application/json",
      dataschema: undefined,
      channel: "com.acme.orders",
      key: "o-1",
      shard: shardOf("o-1"),
      payload: Buffer.from('{"orderId":"o-1"}'),
      extensions: { correlationid: "id-1" },
      traceparent: undefined,
      tracestate: undefined,
      tenant: undefined,
    });
  });

  test("62. a message published inside a handler inherits correlation and tenant and names its cause", () => {
    const lineage = { correlationid: "flow-1", causationid: "cause-1", tenant: "acme" };
    const sealed = seal(OrderPlaced({ orderId: "o-1" }), { lineage });
    expect(sealed.extensions).toEqual({ correlationid: "flow-1", causationid: "cause-1" });
    expect(sealed.tenant).toBe("acme");
  });

  test("62. the draft's own correlation and tenant go before the inherited ones", () => {
    const lineage = { correlationid: "flow-1", causationid: "cause-1", tenant: "acme" };
    const draft = OrderPlaced({ orderId: "o-1" }, { tenant: "other", extensions: { correlationid: "mine" } });
    const sealed = seal(draft, { lineage });
    expect(sealed.extensions).toEqual({ correlationid: "mine", causationid: "cause-1" });
    expect(sealed.tenant).toBe("other");
  });

  test("what a draft decides for itself is taken as it is", () => {
    const draft = OrderPlaced(
      { orderId: "o-1" },
      {
        id: "my-id",
        key: "my-key",
        subject: "orders/1",
        time: new Date("2020-02-29T12:00:00.001Z"),
        tenant: "acme",
        extensions: { priority: 5, urgent: true, region: "eu" },
      },
    );
    const context = { trace: { traceparent: "00-aa-bb-01", tracestate: "v=1" } };
    expect(seal(draft, context)).toMatchObject({
      id: "my-id",
      key: "my-key",
      shard: shardOf("my-key"),
      subject: "orders/1",
      time: "2020-02-29T12:00:00.001Z",
      tenant: "acme",
      extensions: { correlationid: "my-id", priority: 5, urgent: true, region: "eu" },
      traceparent: "00-aa-bb-01",
      tracestate: "v=1",
    });
  });

  test("the key of the call goes before the draft's, and the draft's before the definition's", () => {
    expect(seal(OrderPlaced({ orderId: "o-1" }, { key: "draft" }), { key: "call" }).key).toBe("call");
    expect(seal(OrderPlaced({ orderId: "o-1" }, { key: "draft" })).key).toBe("draft");
  });

  test("an event without a key has the shard of its id", () => {
    const sealed = seal(Anything({}), undefined, sealerWithIds("an-id"));
    expect(sealed.key).toBeUndefined();
    expect(sealed.shard).toBe(shardOf("an-id"));
  });

  test("the schema's input travels, and the key is made of its output", () => {
    const Dated = defineEvent("com.acme.orders.dated.v1", {
      data: z.object({ at: z.string().transform((text) => new Date(text)) }),
      key: (data) => String(data.at.getUTCFullYear()),
    });
    const sealed = seal(Dated({ at: "2026-01-01T00:00:00Z" }));
    expect(textOf(sealed.payload)).toBe('{"at":"2026-01-01T00:00:00Z"}');
    expect(sealed.key).toBe("2026");
  });

  test("the time of one millisecond is that millisecond's, also after the clock has moved", () => {
    const clock = stoppedClock();
    const sealer = createSealer({ source: "/s", clock, newId: () => "x" });
    const at = (ms: number) => {
      clock.set(ms);
      return seal(Anything({}), undefined, sealer).time;
    };
    expect([at(startMs), at(startMs), at(startMs + 1), at(startMs)]).toEqual([
      "2026-03-01T10:20:30.456Z",
      "2026-03-01T10:20:30.456Z",
      "2026-03-01T10:20:30.457Z",
      "2026-03-01T10:20:30.456Z",
    ]);
  });

  test("a source that is no URI-reference is refused when the sealer is made", () => {
    const options = { clock: stoppedClock(), newId: () => "x" };
    expect(() => createSealer({ ...options, source: "my service" })).toThrow(OptionsError);
    expect(() => createSealer({ ...options, source: "" })).toThrow(OptionsError);
  });
});

describe("the data of a sealed event", () => {
  test.each([
    ["an object", { b: 1, a: [true, null, "ü"] }, '{"b":1,"a":[true,null,"ü"]}'],
    ["a string", "text", '"text"'],
    ["an empty string", "", '""'],
    ["zero", 0, "0"],
    ["null", null, "null"],
  ])("2. %s is JSON", (_, data, text) => {
    const sealed = seal(Anything(data));
    expect(textOf(sealed.payload)).toBe(text);
    expect(sealed.contentType).toBe("application/json");
  });

  test("2. undefined, where the schema takes it, is no data", () => {
    expect(seal(Anything(undefined))).toMatchObject({ payload: undefined, contentType: undefined });
  });

  test("4. bytes stay as they are, also none at all", () => {
    const bytes = Uint8Array.from([0, 255, 123, 10]);
    const sealed = seal(Anything(bytes));
    expect([...(sealed.payload ?? [])]).toEqual([0, 255, 123, 10]);
    expect(sealed.contentType).toBe("application/octet-stream");
    expect(seal(Anything(new Uint8Array(0))).payload).toEqual(new Uint8Array(0));
  });

  test("bytes that the caller changes afterwards do not change the event", () => {
    const bytes = Uint8Array.from([1, 2, 3]);
    const sealed = seal(Anything(bytes));
    bytes.fill(9);
    expect([...(sealed.payload ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([
    ["a BigInt", { secret: 10n }],
    [
      "a cycle",
      (() => {
        const ring: Record<string, unknown> = {};
        ring["ring"] = ring;
        return ring;
      })(),
    ],
    ["a function", () => "secret"],
    ["a symbol", Symbol("secret")],
    [
      "a toJSON that throws",
      {
        toJSON: () => {
          throw new Error("broken");
        },
      },
    ],
    ["a toJSON that answers nothing", { toJSON: () => undefined }],
    [
      "nesting without end",
      (() => {
        let deep: unknown = 1;
        for (let n = 0; n < 200_000; n++) deep = [deep];
        return deep;
      })(),
    ],
  ])("%s is refused, naming the type and not the data", (_, data) => {
    const error = refusal(() => seal(Anything(data)), "CONTRACT_NOT_SERIALIZABLE");
    expect(error.message).toContain("com.acme.any.thing-happened.v1");
    expect(error.message).not.toContain("secret");
  });

  test("64. an invalid payload fails in the caller, before anything else happens", () => {
    let ids = 0;
    const sealer = createSealer({ source: "/s", clock: stoppedClock(), newId: () => `id-${++ids}` });
    const draft = OrderPlaced({ orderId: 7 } as never);
    expect(() => seal(draft, undefined, sealer)).toThrow(ValidationError);
    expect(ids).toBe(0);
  });
});

describe("an event that cannot be valid", () => {
  test("is refused with everything that is wrong, and without the values", () => {
    const draft = Anything(
      {},
      {
        id: "",
        key: "",
        subject: "bad\u0000subject",
        time: new Date(Number.NaN),
        tenant: "",
        extensions: {
          "Bad-Name": "secret",
          number: 1.5,
          type: "secret",
          partitionkey: "secret",
          nothing: undefined,
        } as never,
      },
    );
    const error = refusal(() => seal(draft), "CONTRACT_INVALID_EVENT");
    expect(problemsOf(error).map((problem) => problem.split(":")[0])).toEqual([
      "key",
      "'Bad-Name'",
      "number",
      "extensions",
      "extensions",
      "time",
      "id",
      "subject",
      "tenantid",
    ]);
    expect(error.message).toContain("com.acme.any.thing-happened.v1");
    expect(error.message).toContain("'partitionkey' is the option 'key'");
    expect(error.message).not.toContain("secret");
    expect(error.message).not.toContain("\u0000");
  });

  test.each([
    "id",
    "source",
    "type",
    "specversion",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
    "data",
    "data_base64",
    "traceparent",
    "tracestate",
    "tenantid",
  ])("an extension cannot override '%s'", (name) => {
    expect(() => seal(Anything({}, { extensions: { [name]: "x" } }))).toThrow(
      coded("CONTRACT_INVALID_EVENT"),
    );
  });

  test.each([
    ["a number", 5],
    ["text", "abc"],
    ["an array", [1]],
    ["null", null],
    ["a Map", new Map([["a", 1]])],
    ["a function", () => {}],
  ])("extensions that are %s are refused, with everything else that is wrong", (_, extensions) => {
    const error = refusal(
      () => seal(Anything({}, { id: "", extensions: extensions as never })),
      "CONTRACT_INVALID_EVENT",
    );
    expect(problemsOf(error)).toEqual([
      "extensions: must be a plain object of names and values",
      expect.stringMatching(/^id: /),
    ]);
  });

  test("extensions may be an object without a prototype, or of another realm", () => {
    const bare = Object.assign(Object.create(null) as {}, { a: 1 });
    const foreign = runInNewContext("({ a: 1 })") as { a: number };
    for (const extensions of [bare, foreign])
      expect(seal(Anything({}, { extensions })).extensions).toMatchObject({
        a: 1,
      });
  });

  test("a key function that throws is named with its type and its cause", () => {
    const Keyed = defineEvent("com.acme.keyed.v1", {
      data: anySchema<{ id?: string }>(),
      key: () => {
        throw new TypeError("no id");
      },
    });
    const error = refusal(() => seal(Keyed({})), "CONTRACT_INVALID_EVENT");
    expect(error.message).toContain("com.acme.keyed.v1");
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  test.each([
    ["a number", 42],
    ["null", null],
    ["undefined", undefined],
    ["a promise", Promise.resolve("x")],
    ["an empty string", ""],
    ["a lone surrogate", "\ud800"],
  ])("a key function that answers %s is refused", (_, answer) => {
    const Keyed = defineEvent("com.acme.keyed.v1", {
      data: anySchema<object>(),
      key: () => answer as string,
    });
    const error = refusal(() => seal(Keyed({})), "CONTRACT_INVALID_EVENT");
    expect(problemsOf(error)).toEqual([expect.stringMatching(/^key: /)]);
  });

  test("a schema that throws is told with its type and its cause, and none of its words, which may hold the data", async () => {
    const schemaOf = (validate: () => never) =>
      defineEvent("com.acme.moods.changed.v1", {
        data: { "~standard": { version: 1, vendor: "test", validate } },
      });
    const message =
      "The schema of 'com.acme.moods.changed.v1' threw (TypeError) instead of saying whether the data matches; see the cause.";
    const secret = new TypeError("no registry for 4711-secret");
    const throwing = schemaOf(() => {
      throw secret;
    });
    const error = refusal(() => seal(throwing({})), "CONTRACT_INVALID_EVENT");
    expect(error).toMatchObject({ message, cause: secret, context: { type: "com.acme.moods.changed.v1" } });
    const draft = schemaOf(() => Promise.reject(secret) as never)({});
    const sealing = sealerWithIds("id-1").seal(draft, partsOfDraft(draft, "publish", "event"));
    await expect(sealing).rejects.toMatchObject({ code: "CONTRACT_INVALID_EVENT", message, cause: secret });
  });

  test("a time that RFC 3339 has no room for is refused", () => {
    for (const time of [new Date(8.64e15), new Date(-8.64e15), "2026-01-01T00:00:00Z" as never]) {
      expect(() => seal(Anything({}, { time }))).toThrow(coded("CONTRACT_INVALID_EVENT"));
    }
  });

  test("trace context that cannot be an attribute is left out: tracing never breaks a publish", () => {
    const sealed = seal(Anything({}), { trace: { traceparent: "a\nb", tracestate: "x".repeat(20_000) } });
    expect(sealed).toMatchObject({ traceparent: undefined, tracestate: undefined });
  });

  test("as many extensions as are allowed can be decoded again, and one more is refused", () => {
    const extensions = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`e${n}`, n]));
    const most = attributeLimits.count - 16;
    const draft = OrderPlaced({ orderId: "o" }, { subject: "s", tenant: "t", extensions: extensions(most) });
    const context = {
      lineage: { correlationid: "a", causationid: "b", tenant: undefined },
      trace: { traceparent: "t", tracestate: "s" },
    };
    expect(decode(arrived(encode(seal(draft, context), "binary"))).extensions).toMatchObject({ e0: "0" });
    expect(() => seal(Anything({}, { extensions: extensions(most + 1) }))).toThrow(
      coded("CONTRACT_INVALID_EVENT"),
    );
  });
});

describe("synchronous and asynchronous schemas", () => {
  const Late = defineEvent("com.acme.late.v1", {
    data: asyncSchema<{ id: string }>(),
    key: (data) => data.id,
  });

  test("an asynchronous schema gives a promise of the same event", async () => {
    const draft = Late({ id: "k" });
    const sealed = sealerWithIds("id-1").seal(draft, partsOfDraft(draft, "publish", "event"));
    expect(sealed).toBeInstanceOf(Promise);
    expect(await sealed).toMatchObject({ id: "id-1", key: "k" });
  });

  test("an asynchronous schema is refused where nothing can be awaited", () => {
    const draft = Late({ id: "k" });
    expect(() => sealerWithIds().sealSync(draft, partsOfDraft(draft, "publish", "event"))).toThrow(
      coded("CONTRACT_ASYNC_SCHEMA"),
    );
  });

  test("a synchronous schema gives the event at once, both ways", () => {
    const draft = OrderPlaced({ orderId: "o-1" });
    const parts = partsOfDraft(draft, "publish", "event");
    expect(sealerWithIds("x").sealSync(draft, parts)).toEqual(sealerWithIds("x").seal(draft, parts));
  });

  test("what is wrong after an asynchronous schema rejects the promise", async () => {
    const draft = Late({ id: "" });
    const failure = await Promise.resolve(
      sealerWithIds().seal(draft, partsOfDraft(draft, "publish", "event")),
    ).catch((error: unknown) => error);
    expect(isMessagingError(failure, "CONTRACT_INVALID_EVENT")).toBe(true);
  });
});
