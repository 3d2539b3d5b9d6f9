import { readdirSync, readFileSync } from "node:fs";
import { Aggregate, createRecorder, defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import { expect, test } from "vitest";

type Paid = DomainEvent<"order-paid", { readonly order: string; readonly lines: readonly { sku: string }[] }>;
const Paid = defineDomainEvent<Paid>("order-paid");
type Closed = DomainEvent<"order-closed", undefined>;
const Closed = defineDomainEvent<Closed>("order-closed");

test("the entry point of the domain imports nothing but its own files", () => {
  const folder = new URL("../../src/domain/", import.meta.url);
  const files = readdirSync(folder);
  expect(files).toContain("index.ts");
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const imported = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g)].map(
      ([, name]) => name,
    );
    const others = imported.filter((name) => !/^\.\/[a-z-]+\.ts$/.test(name ?? ""));
    expect([file, others]).toEqual([file, []]);
  }
});

test("an event has its kind, type, data, an id that sorts by time, and the time it was made", () => {
  const before = Date.now();
  const event = Paid({ order: "1", lines: [] });
  expect(event).toEqual({
    kind: "domain-event",
    type: "order-paid",
    data: { order: "1", lines: [] },
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    occurredAt: expect.any(Date),
  });
  expect(event.occurredAt.getTime()).toBeGreaterThanOrEqual(before);
  expect(Number.parseInt(event.id.replaceAll("-", "").slice(0, 12), 16)).toBe(event.occurredAt.getTime());
  expect(JSON.parse(JSON.stringify(event))).toMatchObject({ type: "order-paid", id: event.id });
});

test("the id and the time can be given, by tests and by a domain with a clock", () => {
  const occurredAt = new Date("2026-01-02T03:04:05Z");
  const event = Closed(undefined, { id: "e-1", occurredAt });
  occurredAt.setFullYear(1999);
  expect([event.id, event.occurredAt.toISOString()]).toEqual(["e-1", "2026-01-02T03:04:05.000Z"]);
  event.occurredAt.setFullYear(1999);
  expect(event.occurredAt.getFullYear()).toBe(2026);
  expect(() => Closed(undefined, { occurredAt: new Date("never") })).toThrow(TypeError);
});

test("an event is frozen to its depth, and apart from what was passed in", () => {
  const lines = [{ sku: "a" }];
  const event = Paid({ order: "1", lines });
  const [line] = event.data.lines;
  lines.push({ sku: "b" });
  expect(event.data.lines).toEqual([{ sku: "a" }]);
  expect(() => Object.assign(event.data, { order: "2" })).toThrow(TypeError);
  expect(() => Object.assign(line ?? {}, { sku: "c" })).toThrow(TypeError);
  expect(() => Object.assign(event, { type: "other" })).toThrow(TypeError);
  expect(Object.isFrozen(lines)).toBe(false);
});

test("what only its class can copy is taken as it is; a cycle and a member called __proto__ do no harm", () => {
  const Any = defineDomainEvent<DomainEvent<"any", Record<string, unknown>>>("any");
  const at = new Date(0);
  const data: Record<string, unknown> = { at, ...JSON.parse('{"__proto__":{"polluted":true}}') };
  data["self"] = data;
  const event = Any(data);
  expect(event.data["at"]).toBe(at);
  expect(event.data["self"]).toBe(event.data);
  expect(Object.hasOwn(event.data, "__proto__")).toBe(Object.hasOwn(data, "__proto__"));
  expect(event.data["polluted"]).toBeUndefined();
});

test("a definition tells its own events from others", () => {
  const events: readonly DomainEvent[] = [Paid({ order: "1", lines: [] }), Closed(undefined)];
  expect(events.map((event) => Paid.is(event))).toEqual([true, false]);
  expect(Paid.is(null as never)).toBe(false);
});

test("a type that is no text, or empty, is refused", () => {
  expect(() => defineDomainEvent("")).toThrow("defineDomainEvent: the type must be a text");
  expect(() => defineDomainEvent(undefined as never)).toThrow(TypeError);
});

test("a recorder gives what was recorded once, in order, and refuses what is no domain event", () => {
  const { record, takeRecorded } = createRecorder();
  const events = [Closed(undefined), Paid({ order: "1", lines: [] })];
  record(...events);
  expect(takeRecorded()).toEqual(events);
  expect(takeRecorded()).toEqual([]);
  for (const [wrong, said] of [
    [Paid, "a definition: call it with the data"],
    [{ kind: "event", type: "x", data: {} }, "an integration event: publish it"],
    [null, "something that is no domain event"],
  ] as const) {
    expect(() => record(events[0] as never, wrong as never)).toThrow(said);
  }
  expect(takeRecorded()).toEqual([]);
});

test("the base class is a recorder, and nothing more", () => {
  class Order extends Aggregate {
    pay(): void {
      this.record(Paid({ order: "1", lines: [] }));
    }
  }
  const order = new Order();
  order.pay();
  expect(order.takeRecorded()).toMatchObject([{ type: "order-paid" }]);
  expect(Object.keys(order)).toEqual([]);
});
