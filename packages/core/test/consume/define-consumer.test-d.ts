import {
  defineCatalog,
  defineConsumer,
  defineEvent,
  defineQuery,
  memoryStore,
  type Consumer,
  type HandlerContext,
  type MemoryTx,
  type Message,
  type MessagingWithoutStore,
  type MessagingWithStore,
} from "@postrider/core";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { OrderCancelled, OrderPlaced, ShipOrder, Ticked } from "./support/events.ts";

/*
 * What the compiler says of a consumer. A refusal is a sentence in the type of the parameter: `Refused<F>` reads it, so
 * that the sentence itself is checked, and not only that there is an error.
 */

declare const service: MessagingWithoutStore;
declare const storing: MessagingWithStore<MemoryTx>;
declare const otherStore: MessagingWithStore<{ readonly other: true }>;
const store = memoryStore();

// ── a handler's message and context
defineConsumer("g", { store }).on(OrderPlaced, (event, context) => {
  expectTypeOf(event).toEqualTypeOf<
    Message<"test.orders.order-placed.v1", { orderId: string; n: number; lines: { sku: string }[] }>
  >();
  expectTypeOf(context).toEqualTypeOf<HandlerContext<MemoryTx>>();
  expectTypeOf(context.publish(Ticked({ n: 1 }))).toEqualTypeOf<void>();
  // @ts-expect-error Property 'orderId' does not exist: the data is in `event.data`
  void event.orderId;
  // @ts-expect-error publish takes events, not a list of them
  context.publish([Ticked({ n: 1 })]);
  // @ts-expect-error a command is sent, not published
  context.publish(ShipOrder({ orderId: "1" }));
  // @ts-expect-error a definition is no draft: it was not called
  context.publish(Ticked);
});
defineConsumer<MemoryTx>("g").on(Ticked, (_, { tx }) => {
  expectTypeOf(tx).toEqualTypeOf<MemoryTx>();
});
defineConsumer("g").on(Ticked, (_, { tx }) => {
  // @ts-expect-error nobody said what a transaction is
  void tx.put;
});

// ── several definitions, batches, replies
defineConsumer("g").onEach([OrderPlaced, OrderCancelled], (message) => {
  expectTypeOf(message.type).toEqualTypeOf<
    "test.orders.order-placed.v1" | "test.orders.order-cancelled.v1"
  >();
  if (OrderPlaced.is(message)) expectTypeOf(message.data.n).toEqualTypeOf<number>();
});
defineConsumer("g", { store }).onBatch(Ticked, (events, { tx, fail, delivery }) => {
  expectTypeOf(events[0].data.n).toEqualTypeOf<number>();
  expectTypeOf(tx).toEqualTypeOf<MemoryTx>();
  expectTypeOf(delivery(events[0]).attempt).toEqualTypeOf<number>();
  // @ts-expect-error fail takes a message of the batch
  fail("the first", new Error("no"));
});
// @ts-expect-error a command is answered one by one
defineConsumer("g").onBatch(ShipOrder, () => {});
// @ts-expect-error a handler of events returns nothing
defineConsumer("g").on(Ticked, () => 5);
// @ts-expect-error nor a promise of something
defineConsumer("g").on(Ticked, async () => ({ ok: true }));
const GetStock = defineQuery("test.stock.get.v1", {
  data: z.object({ sku: z.string() }),
  reply: z.object({ inStock: z.number() }),
});
defineConsumer("g").on(GetStock, () => ({ inStock: 1 }));
// @ts-expect-error a query is answered
defineConsumer("g").on(GetStock, () => {});
// @ts-expect-error with what its definition says
defineConsumer("g").on(GetStock, () => ({ stock: 1 }));
// @ts-expect-error a definition, not its type
defineConsumer("g").on("test.ticks.ticked.v1", () => {});
// @ts-expect-error and a handler
defineConsumer("g").on(Ticked);

// ── one handler per type
const ticking = defineConsumer("g").on(Ticked, () => {});
expectTypeOf<
  Refused<typeof ticking.on<typeof Ticked>>
>().toEqualTypeOf<"This consumer already handles 'test.ticks.ticked.v1'">();
expectTypeOf<
  Refused<typeof ticking.onBatch<typeof Ticked>>
>().toEqualTypeOf<"This consumer already handles 'test.ticks.ticked.v1'">();
expectTypeOf<
  Refused<typeof ticking.ignore<typeof Ticked>>
>().toEqualTypeOf<"This consumer already handles 'test.ticks.ticked.v1'">();
expectTypeOf<
  Refused<typeof ticking.onEach<typeof Ticked | typeof OrderPlaced>>
>().toEqualTypeOf<"This consumer already handles 'test.ticks.ticked.v1'">();
// @ts-expect-error 'This consumer already handles …'
ticking.on(Ticked, () => {});
expectTypeOf<Parameters<typeof ticking.on<typeof OrderPlaced>>[0]>().toEqualTypeOf<typeof OrderPlaced>();

// ── exhaustive
const catalog = defineCatalog({ OrderPlaced, OrderCancelled, Ticked });
type Types = typeof catalog extends { types: ReadonlySet<infer T extends string> } ? T : never;
expectTypeOf<Refused<typeof ticking.exhaustive<Types>>>().toEqualTypeOf<
  "No handler for 'test.orders.order-placed.v1'" | "No handler for 'test.orders.order-cancelled.v1'"
>();
// @ts-expect-error No handler for 'test.orders.order-placed.v1'
ticking.exhaustive(catalog);
const whole: Consumer = ticking
  .on(OrderPlaced, () => {})
  .ignore(OrderCancelled)
  .exhaustive(catalog);
void whole;

// ── options
// @ts-expect-error 'concurency' does not exist
defineConsumer("g", { concurency: 5 });
// @ts-expect-error 'keys' is not 'none' or 'key'
defineConsumer("g", { ordering: "keys" });
// @ts-expect-error a store, not whatever has a connection
defineConsumer("g", { store: {} });

// ── which messaging runs it
const writing = defineConsumer("g", { store }).on(Ticked, () => {});
const plain = defineConsumer("g").on(Ticked, () => {});
void service.consume(plain);
void storing.consume(plain);
void storing.consume(writing);
expectTypeOf<
  Refused<typeof service.consume<MemoryTx, never>>
>().toEqualTypeOf<"This consumer's handlers use a transaction, and createMessaging was given no store">();
expectTypeOf<
  Refused<typeof otherStore.consume<MemoryTx, never>>
>().toEqualTypeOf<"This consumer's handlers expect another transaction type than the store of this messaging gives">();
// @ts-expect-error This consumer's handlers use a transaction, and createMessaging was given no store
void service.consume(writing);
// @ts-expect-error This consumer's handlers expect another transaction type …
void otherStore.consume(writing);
// @ts-expect-error a consumer, not its name
void service.consume("shipping");

// ── an exported constant can be annotated
const annotated: Consumer<MemoryTx> = defineConsumer("g", { store }).on(Ticked, (_, { tx }) =>
  tx.put("a", "b", 1),
);
void storing.consume(annotated);

// ── types that come from a list are let through, and checked when it runs
const listed = ["a.b.c.v1", "a.b.d.v1"].map((type) => defineEvent(type, { data: z.object({}) }));
let several: ReturnType<typeof defineConsumer> = defineConsumer("g");
for (const definition of listed) several = several.on(definition, () => {}) as typeof several;

/** The sentence that stands where the first parameter should be. */
type Refused<F extends (...args: never[]) => unknown> = Extract<Parameters<F>[0], string>;
