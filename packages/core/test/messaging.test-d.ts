import {
  createMessaging,
  defineCommand,
  defineConsumer,
  defineEvent,
  memory,
  memoryStore,
  type BrokerConfig,
  type Capabilities,
  type Consumable,
  type EventDraft,
  type MemoryCapabilities,
  type MemoryTx,
  type Messaging,
  type MessagingWithoutStore,
  type MessagingWithStore,
  type Publisher,
  type Requirable,
  type SqlTx,
  type Store,
  type SyncSqlTx,
  type Transport,
  type TransportDriver,
  type TxOf,
  type UnitOfWork,
} from "@postrider/core";
import { CloudEvent } from "cloudevents";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

const Placed = defineEvent("com.acme.orders.order-placed.v1", { data: z.object({ orderId: z.string() }) });
const Ship = defineCommand("com.acme.shipping.ship.v1", { data: z.object({ orderId: z.string() }) });
const draft = Placed({ orderId: "1" });

/** Two brokers of unlike abilities, as their packages would declare them. */
interface TopicCapabilities extends Capabilities {
  readonly transport: "topics";
  readonly nativeDelay: false;
  readonly replay: true;
}
interface QueueCapabilities extends Capabilities {
  readonly transport: "queues";
  readonly nativeDelay: true;
  readonly replay: false;
}
interface TopicOptions {
  readonly brokers: readonly string[];
}
interface QueueOptions {
  readonly prefetch?: number | undefined;
}
declare const topicDriver: TransportDriver<TopicOptions, TopicCapabilities>;
declare const queueDriver: TransportDriver<QueueOptions, QueueCapabilities>;
declare const topics: Transport<TopicCapabilities>;
declare const queues: Transport<QueueCapabilities>;
const transports = {
  topics: async () => ({ transport: topicDriver }),
  queues: async () => ({ transport: queueDriver }),
};

/** A database client of the user's own. */
interface Client {
  query(text: string): Promise<void>;
}
declare const store: Store<Client>;
declare const client: Client;
const source = "/orders";

test("what createMessaging returns follows from the options: store, capabilities, requirements", async () => {
  const byUrl = await createMessaging({ source, broker: { url: "", transports }, store });
  const byKind = await createMessaging({
    source,
    broker: { kind: "topics", options: { brokers: [] }, transports },
  });
  const byInstance = await createMessaging({ source, broker: queues });
  const required = await createMessaging({
    source,
    broker: { url: "", transports },
    requires: ["nativeDelay"],
  });
  const config = {} as BrokerConfig<typeof transports>;
  const byConfig = await createMessaging({ source, broker: { ...config, transports } });
  expectTypeOf(byUrl.outbox.add).toBeFunction();
  expectTypeOf(byUrl.capabilities.transport).toEqualTypeOf<"topics" | "queues">();
  expectTypeOf(byUrl.capabilities.nativeDelay).toEqualTypeOf<boolean>();
  expectTypeOf(byKind.capabilities.transport).toEqualTypeOf<"topics">();
  expectTypeOf(byInstance.capabilities.nativeDelay).toEqualTypeOf<true>();
  expectTypeOf(required.capabilities.nativeDelay).toEqualTypeOf<true>();
  expectTypeOf(byConfig.capabilities.transport).toEqualTypeOf<"topics" | "queues">();
});

test("the URL may come from the environment, and blocks of options stand beside it", async () => {
  const options = {
    source,
    broker: {
      url: process.env["BROKER_URL"],
      transports,
      queues: { prefetch: 5 },
      topics: { brokers: ["a"] },
    },
  };
  await createMessaging(options);
  // @ts-expect-error -- an option that the driver does not have
  await createMessaging({ source, broker: { url: "", transports, queues: { prefech: 5 } } });
});

test("a broker that is none does not compile", async () => {
  // @ts-expect-error -- a URL alone names no packages
  await createMessaging({ source, broker: "amqp://localhost", store });
  // @ts-expect-error -- a kind without a loader
  await createMessaging({ source, broker: { kind: "topcis", options: { brokers: [] }, transports } });
  // @ts-expect-error -- a wrong option of the kind
  await createMessaging({ source, broker: { kind: "topics", options: { broker: [] }, transports } });
  // @ts-expect-error -- no loader at all
  await createMessaging({ source, broker: { url: "", transports: {} } });
  // @ts-expect-error -- no transports
  await createMessaging({ source, broker: { url: "" } });
});

test("a store that is none does not compile", async () => {
  // @ts-expect-error -- a client instead of a store
  await createMessaging({ source, broker: topics, store: client });
});

test("`requires` refuses here what is known to be missing, with the sentence to read", async () => {
  // @ts-expect-error -- topics has no 'nativeDelay'
  await createMessaging({ source, broker: topics, requires: ["nativeDelay"] });
  expectTypeOf<Requirable<TopicCapabilities, "nativeDelay">>().toEqualTypeOf<"topics has no 'nativeDelay'">();
  expectTypeOf<Requirable<TopicCapabilities, "replay">>().toEqualTypeOf<"replay">();
  // @ts-expect-error -- no capability at all
  await createMessaging({ source, broker: topics, requires: ["teleportation"] });
});

test("without a store there is no outbox, no relay and no unit of work", async () => {
  const messaging = await createMessaging({ source, broker: topics });
  // @ts-expect-error -- no outbox
  void messaging.outbox;
  // @ts-expect-error -- no unit of work
  void messaging.unitOfWork;
  expectTypeOf(messaging).toExtend<MessagingWithoutStore>();
});

test("the outbox takes the store's own transaction and SQL ones; a synchronous one leaves nothing to await", async () => {
  const { outbox } = await createMessaging({ source, broker: topics, store });
  const sync = {} as SyncSqlTx;
  const sql = {} as SqlTx;
  expectTypeOf(outbox.add(client, draft)).toEqualTypeOf<Promise<void>>();
  expectTypeOf(outbox.add(sql, draft, draft)).toEqualTypeOf<Promise<void>>();
  expectTypeOf(outbox.add(sync, draft)).toEqualTypeOf<void>();
  // @ts-expect-error -- something else than a transaction
  void outbox.add(5, draft);
  // @ts-expect-error -- a command
  void outbox.add(client, Ship({ orderId: "1" }));
  // @ts-expect-error -- a synchronous one gives nothing to await
  const promise: Promise<void> = outbox.add(sync, draft);
  void promise;
});

test("publishers take events and nothing else", async () => {
  const messaging = await createMessaging({ source, broker: topics });
  await messaging.publish(draft, { key: "a", deadlineMs: 5, signal: AbortSignal.abort() });
  await messaging.publishBatch([draft, draft]);
  await messaging.forward(new CloudEvent({ source: "/", type: "x" }), { channel: "x" });
  // @ts-expect-error -- a command
  await messaging.publish(Ship({ orderId: "1" }));
  // @ts-expect-error -- a definition
  await messaging.publish(Placed);
  // @ts-expect-error -- a plain object of a kind that never leaves the service
  await messaging.publish({ kind: "domain-event", type: "x", data: {} });
  // @ts-expect-error -- an array where one event is taken
  await messaging.publish([draft]);
  // @ts-expect-error -- one event where an array is taken
  await messaging.publishBatch(draft);
  // @ts-expect-error -- an option that does not exist
  await messaging.publish(draft, { delay: 5 });
});

test("a unit of work gives the transaction of the store, and takes events only", async () => {
  const messaging = await createMessaging({ source, broker: memory(), store: memoryStore() });
  const result = await messaging.unitOfWork().run(async (unit) => {
    expectTypeOf(unit).toEqualTypeOf<UnitOfWork<MemoryTx>>();
    unit.publish(draft, draft);
    unit.publishLater(() => draft);
    unit.publishLater(async () => [draft]);
    unit.publishLater(() => undefined);
    // @ts-expect-error -- a command
    unit.publish(Ship({ orderId: "1" }));
    // @ts-expect-error -- a command, later
    unit.publishLater(() => Ship({ orderId: "1" }));
    return 5;
  });
  expectTypeOf(result).toEqualTypeOf<number>();
});

test("a messaging fits the narrower parameter types of the user's own functions", async () => {
  const withStore = await createMessaging({ source, broker: topics, store });
  const withoutStore = await createMessaging({ source, broker: queues });
  expectTypeOf(withStore).toExtend<Messaging<typeof store>>();
  expectTypeOf(withStore).toExtend<Messaging>();
  expectTypeOf(withStore).toExtend<Publisher>();
  expectTypeOf(withoutStore).toExtend<Messaging>();
  expectTypeOf(withoutStore).not.toExtend<Messaging<typeof store>>();
  expectTypeOf<TxOf<typeof store>>().toEqualTypeOf<Client>();
  expectTypeOf<EventDraft>().toExtend<Parameters<Publisher["publish"]>[0]>();
});

test("a store that may be missing gives both, and `in` tells them apart", async () => {
  const maybe = Math.random() > 0.5 ? store : undefined;
  const messaging = await createMessaging({ source, broker: topics, store: maybe });
  if ("outbox" in messaging) expectTypeOf(messaging).toExtend<MessagingWithStore<Client>>();
});

test("consume takes consumers of its own transaction, of none, and none of another", async () => {
  const messaging = await createMessaging({ source, broker: topics, store });
  const withoutStore = await createMessaging({ source, broker: topics });
  const own = defineConsumer("a", { store }).on(Placed, async (_, { tx }) => tx.query(""));
  const plain = defineConsumer("b").on(Placed, () => {});
  const other = defineConsumer("c", { store: memoryStore() }).on(Placed, () => {});
  await messaging.consume(own);
  await messaging.consume(plain);
  await withoutStore.consume(plain);
  // @ts-expect-error -- another transaction
  await messaging.consume(other);
  // @ts-expect-error -- a transaction, and no store
  await withoutStore.consume(own);
  // @ts-expect-error -- no consumer
  await messaging.consume("shipping");
  expectTypeOf<
    Consumable<MemoryTx, never, Client, TopicCapabilities>
  >().toEqualTypeOf<"This consumer's handlers expect another transaction type than the store of this messaging gives">();
  expectTypeOf<
    Consumable<Client, never, undefined, TopicCapabilities>
  >().toEqualTypeOf<"This consumer's handlers use a transaction, and createMessaging was given no store">();
});

test("consume refuses what its broker is known to lack, and names it", async () => {
  const messaging = await createMessaging({ source, broker: queues });
  const reader = defineConsumer("a", { startAt: "beginning" }).on(Placed, () => {});
  // @ts-expect-error -- queues has no 'replay'
  await messaging.consume(reader);
  const other = await createMessaging({ source, broker: topics });
  await other.consume(reader);
  expectTypeOf<
    Consumable<{}, "replay", undefined, QueueCapabilities>
  >().toEqualTypeOf<"queues has no 'replay', which this consumer's options ask for">();
  expectTypeOf<MemoryCapabilities["replay"]>().toEqualTypeOf<true>();
});
