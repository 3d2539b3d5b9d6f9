// CPU that our layer takes per message, over the broker in memory: `npm run bench -- messages`.
//
// `cpu` is user and system time of the whole process, so the broker in memory is in it; the row `transport` is that part
// alone: the same messages, encoded once, by the transport itself. One event of 280 bytes, windows of 1,000.
import {
  createMessaging,
  defineConsumer,
  defineEvent,
  memory,
  memoryBroker,
  memoryStore,
} from "@postrider/core";
import { z } from "zod";

const Placed = defineEvent("com.acme.orders.order-placed.v1", {
  data: z.object({ orderId: z.string(), total: z.number(), note: z.string() }),
  key: (order) => order.orderId,
});
const dataOf = (n) => ({ orderId: `order-${n % 100}`, total: n, note: "x".repeat(220) });
const count = Number(process.argv[2] ?? 100_000);
const quiet = { debug() {}, info() {}, warn() {}, error: console.error };

/** @param {string} name @param {() => Promise<void>} work */
async function measure(name, work) {
  globalThis.gc?.();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  const cpu = ((user + system) / count).toFixed(2);
  console.log(
    `${name.padEnd(28)} ${cpu.padStart(7)} µs cpu  ${Math.round(count / (wallMs / 1_000))
      .toLocaleString("en")
      .padStart(9)} /s`,
  );
}

const fresh = () => memoryBroker({ maxQueuedMessages: 1_000_000, retainedMessages: 1 });
const started = (broker, more = {}) =>
  createMessaging({ source: "/bench", broker: memory({ broker }), logger: quiet, ...more });

/** As many callers at once as there is room, each publishing one event after another. */
async function publishAll(messaging, callers) {
  let next = 0;
  const caller = async () => {
    while (next < count) await messaging.publish(Placed(dataOf((next += 1))));
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function transportAlone() {
  const transport = memory({ broker: fresh() });
  await transport.connect();
  const body = Buffer.from(JSON.stringify(dataOf(1)));
  const message = {
    channel: Placed.channel,
    type: Placed.type,
    key: "k",
    shard: 0,
    messageId: "/bench#1",
    sizeBytes: 600,
    attributes: {
      specversion: "1.0",
      id: "1",
      source: "/bench",
      type: Placed.type,
      time: new Date().toISOString(),
      partitionkey: "k",
      correlationid: "1",
    },
    headers: {},
    contentType: "application/json",
    body,
  };
  const batch = Array.from({ length: 1_000 }, () => message);
  await measure("transport, batches of 1,000", async () => {
    for (let n = 0; n < count; n += 1_000) await transport.publisher.publish(batch, { deadlineMs: 30_000 });
  });
  await transport.close();
}

async function publishing() {
  const messaging = await started(fresh());
  await publishAll(messaging, 1_000); // warm
  await measure("publish, 1,000 at once", () => publishAll(messaging, 1_000));
  await measure("publishBatch of 1,000", async () => {
    for (let n = 0; n < count; n += 1_000)
      await messaging.publishBatch(Array.from({ length: 1_000 }, (_, k) => Placed(dataOf(n + k))));
  });
  await messaging.close();
}

async function relaying() {
  const store = memoryStore();
  const messaging = await started(fresh(), { store, relay: { batchSize: 1_000 } });
  const units = messaging.unitOfWork();
  await measure("unit of 10, relayed", async () => {
    for (let n = 0; n < count; n += 10)
      await units.run(async ({ publish }) =>
        publish(...Array.from({ length: 10 }, (_, k) => Placed(dataOf(n + k)))),
      );
    while ((await store.relay.status()).backlog > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  await messaging.close();
}

async function consuming(name, options) {
  const broker = fresh();
  const messaging = await started(broker);
  let handled = 0;
  let tell = () => {};
  const consumer = defineConsumer("bench", { inbox: "none", maxInFlight: 1_000, ...options }).on(
    Placed,
    () => {
      handled += 1;
      if (handled === count) tell();
    },
  );
  const bound = await messaging.consume(consumer);
  bound.pause();
  await publishAll(messaging, 1_000);
  await measure(name, async () => {
    const all = new Promise((resolve) => (tell = resolve));
    bound.resume();
    await all;
  });
  await messaging.close();
}

await transportAlone();
await publishing();
await relaying();
await consuming("consume", {});
await consuming("consume, in order of keys", { ordering: "key" });
