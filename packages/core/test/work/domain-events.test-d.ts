import {
  createMessaging,
  defineCommand,
  defineConsumer,
  defineEvent,
  domainHandlers,
  memory,
  memoryStore,
  type DomainContext,
  type DomainHandlers,
  type MemoryTx,
} from "@postrider/core";
import { Aggregate, createRecorder, defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

type Paid = DomainEvent<"order-paid", { readonly orderId: string }>;
const Paid = defineDomainEvent<Paid>("order-paid");
const OrderPaid = defineEvent("com.acme.orders.order-paid.v1", { data: z.object({ orderId: z.string() }) });
const Ship = defineCommand("com.acme.shipping.ship.v1", { data: z.object({ orderId: z.string() }) });
const store = memoryStore();

test("a domain event names its type and its data once", () => {
  expectTypeOf(Paid({ orderId: "1" })).toEqualTypeOf<Paid>();
  // @ts-expect-error -- other data
  Paid({ order: 1 });
  // @ts-expect-error -- another type than the annotation says
  defineDomainEvent<Paid>("order-payed");
  const event: DomainEvent = Paid({ orderId: "1" });
  if (Paid.is(event)) expectTypeOf(event.data).toEqualTypeOf<{ readonly orderId: string }>();
});

test("a domain event handed to a publisher, and an integration event that is recorded, do not compile", async () => {
  const messaging = await createMessaging({ source: "/a", broker: memory(), store });
  // @ts-expect-error -- Type '"domain-event"' is not assignable to type '"event"'
  await messaging.publish(Paid({ orderId: "1" }));
  await messaging.unitOfWork().run(async (unit) => {
    // @ts-expect-error -- a domain event
    unit.publish(Paid({ orderId: "1" }));
    // @ts-expect-error -- a domain event, later
    unit.publishLater(() => Paid({ orderId: "1" }));
    // @ts-expect-error -- an integration event
    unit.record(OrderPaid({ orderId: "1" }));
    // @ts-expect-error -- the definition, and no event
    unit.record(Paid);
    // @ts-expect-error -- nothing that records
    unit.track({ id: "1" });
    // @ts-expect-error -- in a synchronous function nothing can be awaited
    unit.track(createRecorder(), () => 5);
  });
  defineConsumer("shipping", { store }).on(OrderPaid, (_event, { publish, record, track, tx }) => {
    expectTypeOf(tx).toEqualTypeOf<MemoryTx>();
    record(Paid({ orderId: "1" }));
    track(createRecorder(), async (_recorder, of) => void expectTypeOf(of).toEqualTypeOf<MemoryTx>());
    // @ts-expect-error -- a domain event
    publish(Paid({ orderId: "1" }));
  });
  // @ts-expect-error -- a domain event
  await messaging.outbox.add({} as MemoryTx, Paid({ orderId: "1" }));
});

test("handlers get the event they were registered for, and the transaction of the store", () => {
  domainHandlers({ store }).on(Paid, (event, unit) => {
    expectTypeOf(event).toEqualTypeOf<Paid>();
    expectTypeOf(unit).toEqualTypeOf<DomainContext<MemoryTx>>();
  });
  domainHandlers()
    .map(Paid, (event) => OrderPaid(event.data))
    .map(Paid, () => [OrderPaid({ orderId: "1" })])
    .map(Paid, async () => undefined);
  // @ts-expect-error -- maps to a domain event
  domainHandlers().map(Paid, (event) => Paid(event.data));
  // @ts-expect-error -- maps to a command
  domainHandlers().map(Paid, (event) => Ship(event.data));
  // @ts-expect-error -- handles an integration event: that is what a consumer is for
  domainHandlers().on(OrderPaid, () => {});
  // @ts-expect-error -- gives something back, which nobody would look at
  domainHandlers().on(Paid, () => 5);
});

test("handlers fit where their transaction is given, and nowhere else", async () => {
  const messaging = await createMessaging({
    source: "/a",
    broker: memory(),
    store,
    unitOfWork: { handlers: domainHandlers({ store }), events: [Paid], unhandled: "throw" },
  });
  messaging.unitOfWork(domainHandlers({ store }), { journal: true });
  messaging.unitOfWork(domainHandlers());
  const others = domainHandlers<{ readonly query: () => void }>();
  // @ts-expect-error -- another transaction than the store's
  messaging.unitOfWork(others);
  // @ts-expect-error -- a store is no set of handlers
  messaging.unitOfWork(store);
  // @ts-expect-error -- another transaction than the store's
  await createMessaging({ source: "/a", broker: memory(), store, unitOfWork: { handlers: others } });
  expectTypeOf<DomainHandlers>().toExtend<DomainHandlers<MemoryTx>>();
});

test("an aggregate records by a member or by the base class, and only itself", () => {
  class Order extends Aggregate {
    pay(): void {
      this.record(Paid({ orderId: "1" }));
    }
  }
  // @ts-expect-error -- from outside
  new Order().record(Paid({ orderId: "1" }));
  // @ts-expect-error -- an integration event
  createRecorder().record(OrderPaid({ orderId: "1" }));
});
