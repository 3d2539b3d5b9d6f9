import {
  defineCatalog,
  defineCommand,
  defineEvent,
  defineQuery,
  upcastFrom,
  upcastFromType,
  OptionsError,
  type MessagingError,
} from "@postrider/core";
import { type } from "arktype";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { defaultChannel } from "../../src/event/channel.ts";

const data = z.object({ orderId: z.string() });
const Placed = defineEvent("com.acme.orders.order-placed.v1", { data });

function problemsOf(define: () => unknown): readonly string[] {
  try {
    define();
  } catch (error) {
    if (!(error instanceof OptionsError) || error.code !== "CONFIG_INVALID") throw error;
    return error.problems;
  }
  return [];
}

test("a definition is called with its data and returns a frozen draft, not validated yet", () => {
  const draft = Placed({ orderId: 5 as never });
  expect(draft).toEqual({ kind: "event", type: "com.acme.orders.order-placed.v1", data: { orderId: 5 } });
  expect(Object.isFrozen(draft)).toBe(true);
  expect([Placed.kind, Placed.type, Placed.channel]).toEqual([
    "event",
    "com.acme.orders.order-placed.v1",
    "com.acme.orders",
  ]);
});

test("a definition knows a message of its type", () => {
  expect(
    [{ type: Placed.type }, { type: "other" }, {}, null, "x", undefined].map((one) => Placed.is(one)),
  ).toEqual([true, false, false, false, false, false]);
});

test("commands and queries are drafts of their own kind", () => {
  const Ship = defineCommand("com.acme.shipping.ship.v1", { data });
  const Stock = defineQuery("com.acme.stock.get.v1", { data, reply: z.object({ inStock: z.number() }) });
  expect([Ship({ orderId: "1" }).kind, Stock({ orderId: "1" }).kind]).toEqual(["command", "query"]);
});

test("any library that speaks Standard Schema will do", () => {
  for (const schema of [data, v.object({ orderId: v.string() }), type({ orderId: "string" })])
    expect(problemsOf(() => defineEvent("com.acme.a.b.v1", { data: schema as never }))).toEqual([]);
});

test.each([
  ["com.acme.orders.order-placed.v1", "com.acme.orders"],
  ["orders.order-placed.v1", "orders"],
  ["order-placed.v1", "order-placed.v1"],
  ["order-placed", "order-placed"],
])("the channel of %s is %s where none is named", (name, channel) => {
  expect(defaultChannel(name)).toBe(channel);
  expect(defineEvent(name, { data }).channel).toBe(channel);
});

test("a channel that is named is the channel", () => {
  expect(defineEvent("com.acme.orders.order-placed.v1", { data, channel: "orders" }).channel).toBe("orders");
});

const wrong: readonly (readonly [string, unknown, unknown, readonly string[]])[] = [
  ["an empty type", "", { data }, ["type: must be a non-empty string"]],
  ["a type that is no string", 5, { data }, ["type: must be a non-empty string"]],
  [
    "a type with a space",
    "order placed",
    { data },
    ["type: may only hold letters, digits, '-' and '_' in segments separated by '.'"],
  ],
  [
    "a type with an empty segment",
    "a..b",
    { data },
    ["type: may only hold letters, digits, '-' and '_' in segments separated by '.'"],
  ],
  ["a type of 201 characters", "x".repeat(201), { data }, ["type: must not be longer than 200 characters"]],
  ["no options", "a", undefined, ["options: must be an object with 'data'"]],
  ["no schema", "a", {}, ["data: must be a Standard Schema (zod, valibot, arktype, …)"]],
  [
    "a shape instead of a schema",
    "a",
    { data: { orderId: "string" } },
    ["data: must be a Standard Schema (zod, valibot, arktype, …)"],
  ],
  [
    "a channel with a slash",
    "a",
    { data, channel: "a/b" },
    ["channel: may only hold letters, digits, '-' and '_' in segments separated by '.'"],
  ],
  ["a key that is no function", "a", { data, key: "orderId" }, ["key: must be a function of the data"]],
  [
    "a dataschema that is no URI",
    "a",
    { data, dataschema: "not a uri" },
    [expect.stringMatching(/^dataschema: /)],
  ],
  ["upcasts that are no array", "a", { data, upcast: Placed }, ["upcast: must be an array of upcastFrom(…)"]],
  [
    "an upcast that is no upcast",
    "a",
    { data, upcast: [Placed] },
    ["upcast[0]: must be made by upcastFrom or upcastFromType"],
  ],
  [
    "a type that is lifted twice",
    "a",
    { data, upcast: [upcastFromType("old", () => ({})), upcastFromType("old", () => ({}))] },
    ["upcast[1]: 'old' is lifted twice"],
  ],
];

test.each(wrong)("%s is refused with a sentence", (_, name, options, problems) => {
  expect(problemsOf(() => defineEvent(name as string, options as never))).toEqual(problems);
});

test("all problems of a definition come in one error, which names it", () => {
  const define = () => defineEvent("a b", { data: {}, channel: "", key: 1, upcast: [{}] } as never);
  expect(problemsOf(define).map((said) => said.split(":")[0])).toEqual([
    "type",
    "data",
    "channel",
    "key",
    "upcast[0]",
  ]);
  expect(define).toThrow("The definition of event 'a b': type: may only hold");
});

test("a query needs the schema of its answer, and a reply that is no schema is refused", () => {
  expect(problemsOf(() => defineQuery("a", { data } as never))).toEqual([
    "reply: a query needs the schema of its answer",
  ]);
  expect(problemsOf(() => defineCommand("a", { data, reply: {} } as never))).toEqual([
    "reply: must be a Standard Schema",
  ]);
});

test("65. an upcast remembers the older type, its schema where there is one, and what it becomes", () => {
  const Older = defineEvent("com.acme.orders.order-placed.v0", { data: z.object({ id: z.string() }) });
  const typed = upcastFrom(Older, (old) => ({ orderId: old.id }));
  const untyped = upcastFromType("legacy", () => ({ orderId: "?" }));
  expect([typed.from, typed.upcast({ id: "1" }), typed.schema === undefined]).toEqual([
    Older.type,
    { orderId: "1" },
    false,
  ]);
  expect([untyped.from, untyped.upcast(undefined), untyped.schema]).toEqual([
    "legacy",
    { orderId: "?" },
    undefined,
  ]);
});

test("a catalog holds the definitions of a module, whatever else is in it", () => {
  const Cancelled = defineEvent("com.acme.orders.order-cancelled.v1", { data });
  const catalog = defineCatalog({
    Placed,
    Cancelled,
    again: Placed,
    data,
    version: 1,
    help: () => "",
    nothing: null,
  });
  expect([...catalog.types]).toEqual([Placed.type, Cancelled.type]);
  expect(catalog.definitions).toEqual([Placed, Cancelled]);
  expect(Object.isFrozen(catalog)).toBe(true);
});

test("a catalog with two definitions of one type is refused, and both types are named", () => {
  const twin = defineEvent(Placed.type, { data });
  const other = defineEvent("a", { data });
  const define = () => defineCatalog({ Placed, twin, other, another: defineEvent("a", { data }) });
  expect(define).toThrow(
    expect.objectContaining<Partial<MessagingError & { problems: readonly string[] }>>({
      code: "CONFIG_INVALID",
      problems: [`'${Placed.type}' is defined twice`, "'a' is defined twice"],
    }),
  );
});
