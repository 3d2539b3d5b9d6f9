import {
  defineCatalog,
  defineCommand,
  defineEvent,
  defineQuery,
  upcastFrom,
  upcastFromType,
  type Catalog,
  type CommandDraft,
  type Definition,
  type EventDefinition,
  type EventDraft,
  type EventOf,
  type InferOut,
  type InputOf,
  type Message,
  type MessageOptions,
  type OutputOf,
  type QueryDraft,
  type ReplyInputOf,
  type ReplyOf,
  type Travels,
} from "@postrider/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import type { CloudEventV1 } from "cloudevents";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const toDate = z.iso.datetime().transform((text) => new Date(text));

const Placed = defineEvent("com.acme.orders.order-placed.v2", {
  data: z.object({ orderId: z.string(), at: toDate, currency: z.string().default("EUR") }),
  key: (order) => order.at.toISOString() + order.orderId,
  upcast: [
    upcastFrom(
      defineEvent("com.acme.orders.order-placed.v1", { data: z.object({ id: z.string() }) }),
      (old) => ({
        orderId: old.id,
        at: "2026",
      }),
    ),
    upcastFromType("legacy", () => ({ orderId: "", at: "" })),
  ],
});
const Cancelled = defineEvent("com.acme.orders.order-cancelled.v1", {
  data: v.object({ orderId: v.string() }),
});
const Paid = defineEvent("com.acme.orders.order-paid.v1", {
  data: type({ orderId: "string", "note?": "string" }),
});
const Reserve = defineCommand("com.acme.stock.reserve.v1", {
  data: z.object({ sku: z.string() }),
  reply: z.object({ ok: z.boolean(), until: toDate }),
});
const Ping = defineCommand("com.acme.ping.v1", { data: z.object({}) });
const GetStock = defineQuery("com.acme.stock.get.v1", {
  data: z.object({ sku: z.string() }),
  reply: z.object({ inStock: z.number() }),
});

test("a definition takes the schema's input and a handler gets its output, of zod, valibot and arktype alike", () => {
  expectTypeOf<InputOf<typeof Placed>>().toEqualTypeOf<{
    orderId: string;
    at: string;
    currency?: string | undefined;
  }>();
  expectTypeOf<OutputOf<typeof Placed>>().toEqualTypeOf<{ orderId: string; at: Date; currency: string }>();
  expectTypeOf<OutputOf<typeof Cancelled>>().toEqualTypeOf<{ orderId: string }>();
  expectTypeOf<InputOf<typeof Paid>>().toEqualTypeOf<{ orderId: string; note?: string }>();
});

test("what a definition returns is a draft of its own type and kind", () => {
  expectTypeOf(Placed({ orderId: "1", at: "2026" })).toExtend<
    EventDraft<"com.acme.orders.order-placed.v2">
  >();
  expectTypeOf(Reserve({ sku: "1" })).toExtend<CommandDraft<"com.acme.stock.reserve.v1">>();
  expectTypeOf(GetStock({ sku: "1" })).toExtend<QueryDraft<"com.acme.stock.get.v1">>();
});

test("replies have the types of their schema, and none where there is none", () => {
  expectTypeOf<ReplyOf<typeof Reserve>>().toEqualTypeOf<{ ok: boolean; until: Date }>();
  expectTypeOf<ReplyInputOf<typeof Reserve>>().toEqualTypeOf<{ ok: boolean; until: string }>();
  expectTypeOf<ReplyInputOf<typeof Ping>>().toEqualTypeOf<void>();
  expectTypeOf<ReplyOf<typeof GetStock>>().toEqualTypeOf<{ inStock: number }>();
});

test("`is` narrows a message, and a message is a CloudEvent of the official package", () => {
  const anything: unknown = undefined;
  if (Placed.is(anything)) {
    expectTypeOf(anything).toEqualTypeOf<
      Message<"com.acme.orders.order-placed.v2", OutputOf<typeof Placed>>
    >();
    expectTypeOf(anything).toExtend<CloudEventV1<OutputOf<typeof Placed>>>();
  }
  expectTypeOf<EventOf<typeof Placed>["data"]["at"]>().toEqualTypeOf<Date>();
});

test("an asynchronous schema is like any other", () => {
  const Checked = defineEvent("com.acme.checked.v1", {
    data: v.objectAsync({
      id: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    }),
  });
  expectTypeOf<InputOf<typeof Checked>>().toEqualTypeOf<{ id: string }>();
});

test("an exported definition can be written down, with or without its data's output", () => {
  const annotated: EventDefinition<"a", { orderId: string }> = defineEvent("a", {
    data: z.object({ orderId: z.string() }),
  });
  expectTypeOf<OutputOf<typeof annotated>>().toEqualTypeOf<{ orderId: string }>();
  // @ts-expect-error -- another data than the schema's
  const wrong: EventDefinition<"a", { x: string }> = defineEvent("a", { data: z.object({ x: z.number() }) });
  // @ts-expect-error -- another type
  const other: EventDefinition<"b", { x: number }> = defineEvent("a", { data: z.object({ x: z.number() }) });
  void [wrong, other];
});

test("a wrapper of the user's own passes the options on", () => {
  function event<const T extends string, S extends StandardSchemaV1>(name: T, options: MessageOptions<S>) {
    return defineEvent(`com.acme.${name}`, options);
  }
  const Wrapped = event("x", { data: z.object({ at: toDate }) });
  expectTypeOf(Wrapped.type).toEqualTypeOf<"com.acme.x">();
  expectTypeOf<OutputOf<typeof Wrapped>>().toEqualTypeOf<{ at: Date }>();
});

test("a catalog knows its types, and leaves out what is no definition", () => {
  const catalog = defineCatalog({ Placed, Cancelled, schema: z.string(), version: 1 });
  expectTypeOf(catalog).toEqualTypeOf<
    Catalog<"com.acme.orders.order-placed.v2" | "com.acme.orders.order-cancelled.v1">
  >();
  const list: readonly Definition[] = [Placed, Cancelled, Reserve, GetStock];
  void list;
});

test("data that does not fit the schema's input does not compile", () => {
  // @ts-expect-error -- a number for a string
  Placed({ orderId: 1, at: "2026" });
  // @ts-expect-error -- a member is missing
  Placed({ orderId: "1" });
  // @ts-expect-error -- the output instead of the input
  Placed({ orderId: "1", at: new Date() });
  // @ts-expect-error -- a member that the schema does not know
  Placed({ orderId: "1", at: "2026", total: 1 });
});

test("options that do not fit do not compile", () => {
  // @ts-expect-error -- a shape instead of a schema
  defineEvent("x", { data: { orderId: "string" } });
  // @ts-expect-error -- a key that is no string
  defineEvent("x", { data: z.object({ a: z.number() }), key: (order) => order.a });
  defineEvent("x", {
    data: z.object({ a: z.number() }),
    // @ts-expect-error -- an upcast that becomes something else
    upcast: [upcastFrom(Placed, (old) => ({ a: old.orderId }))],
  });
  // @ts-expect-error -- a query without a reply
  defineQuery("x", { data: z.object({}) });
  // @ts-expect-error -- an option that does not exist
  defineEvent("x", { data: z.object({}), chanel: "orders" });
});

test("what JSON cannot carry does not compile, and the sentence names the path", () => {
  const dates = z.object({ id: z.string(), lines: z.array(z.object({ due: z.date() })) });
  // @ts-expect-error -- 'lines[].due' does not travel as JSON
  defineEvent("x", { data: dates });
  // @ts-expect-error -- 'at' does not travel as JSON
  defineQuery("x", { data: z.object({}), reply: z.object({ at: z.date() }) });
  expectTypeOf<
    Travels<typeof dates>
  >().toEqualTypeOf<"'lines[].due' does not travel as JSON: take a string and transform it">();
  const big = z.object({ total: z.bigint() });
  expectTypeOf<
    Travels<typeof big>
  >().toEqualTypeOf<"'total' does not travel as JSON: take a string and transform it">();
  const fine = z.object({ at: toDate, any: z.any(), unknown: z.unknown(), bytes: z.instanceof(Uint8Array) });
  expectTypeOf<Travels<typeof fine>>().toEqualTypeOf<typeof fine>();
  expectTypeOf<InferOut<typeof fine>["at"]>().toEqualTypeOf<Date>();
});
