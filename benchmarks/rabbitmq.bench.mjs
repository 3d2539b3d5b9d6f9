// What our layers take on top of amqplib, per message: `npm run bench -- rabbitmq`, with `npm run services -- up rabbitmq`.
//
// Raw amqplib, the transport and the whole library one after another in the same run, against the same server and the
// same kind of queue. `cpu` is user and system time of this process. Compare within one run, never between days.
import { randomUUID } from "node:crypto";
import { connect } from "amqplib";
import { createMessaging, defineConsumer, defineEvent } from "@postrider/core";
import { rabbitmq } from "@postrider/rabbitmq";
import { startedUrl } from "../scripts/services/index.mjs";

const url = process.env["BROKER_URL"] ?? startedUrl("rabbitmq");
const count = Number(process.argv[2] ?? 30_000);
const rounds = Number(process.argv[3] ?? 3);
const window = 1_000;
const channel = `bench.${randomUUID()}`;
const any = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } };
const Placed = defineEvent("com.acme.orders.order-placed.v1", {
  data: any,
  key: (data) => data.key,
  channel,
});
const note = "x".repeat(960);
const dataOf = (n) => ({ key: `order-${n % 100}`, n, note });
const quiet = { debug() {}, info() {}, warn() {}, error: console.error };

const model = await connect(url, { noDelay: true });
const admin = await model.createConfirmChannel();
const queue = (group) => ({
  name: group,
  options: { durable: true, arguments: { "x-queue-type": "quorum" } },
});

/** @param {(n: number) => Promise<unknown>} one */
async function inWindow(one) {
  let next = 0;
  const caller = async () => {
    while (next < count) await one((next += 1));
  };
  await Promise.all(Array.from({ length: window }, caller));
}

async function measured(work) {
  globalThis.gc?.();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: count / (wallMs / 1_000), cpuUs: (user + system) / count };
}

async function rawPublish() {
  const raw = await connect(url, { noDelay: true });
  const channelOf = await raw.createConfirmChannel();
  const result = await measured(() =>
    inWindow(
      (n) =>
        new Promise((resolve, reject) => {
          const id = randomUUID();
          const body = Buffer.from(JSON.stringify(dataOf(n)));
          channelOf.publish(
            channel,
            `${n % 16}.${Placed.type}`,
            body,
            {
              headers: headersOf(id, n),
              persistent: true,
              mandatory: true,
              messageId: id,
              contentType: "application/json",
            },
            (error) => (error ? reject(error) : resolve()),
          );
        }),
    ),
  );
  await raw.close();
  return result;
}

/** What a producer of CloudEvents writes by hand. */
const headersOf = (id, n) => ({
  "cloudEvents:specversion": "1.0",
  "cloudEvents:id": id,
  "cloudEvents:source": "/bench",
  "cloudEvents:type": Placed.type,
  "cloudEvents:time": new Date().toISOString(),
  "cloudEvents:partitionkey": `order-${n % 100}`,
});

const messageOf = (n) => {
  const id = randomUUID();
  const key = `order-${n % 100}`;
  return {
    channel,
    type: Placed.type,
    key,
    shard: n % 16,
    messageId: `/bench#${id}`,
    sizeBytes: 1_200,
    attributes: {
      specversion: "1.0",
      id,
      source: "/bench",
      type: Placed.type,
      time: new Date().toISOString(),
      partitionkey: key,
    },
    headers: {},
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(dataOf(n))),
  };
};

async function transportPublish() {
  const transport = rabbitmq({ url });
  await transport.connect();
  const result = await measured(() =>
    inWindow(async (n) => {
      const [outcome] = await transport.publisher.publish([messageOf(n)], { deadlineMs: 30_000 });
      if (outcome?.status !== "confirmed") throw outcome?.error;
    }),
  );
  await transport.close();
  return result;
}

async function corePublish() {
  const messaging = await createMessaging({ source: "/bench", broker: rabbitmq({ url }), logger: quiet });
  const result = await measured(() => inWindow((n) => messaging.publish(Placed(dataOf(n)))));
  await messaging.close();
  return result;
}

/** @param {"each" | "batched"} acks */
async function rawConsume(group, acks) {
  const raw = await connect(url, { noDelay: true });
  const own = await raw.createChannel();
  await own.prefetch(2 * window);
  const result = await measured(
    () =>
      new Promise((resolve) => {
        let seen = 0;
        void own.consume(group, (message) => {
          seen += 1;
          if (acks === "each") own.ack(message);
          else if (seen % 64 === 0 || seen === count) own.ack(message, true);
          if (seen === count) resolve();
        });
      }),
  );
  await own.close();
  await raw.close();
  return result;
}

async function transportConsume(group) {
  const transport = rabbitmq({ url });
  await transport.connect();
  let subscription;
  const result = await measured(async () => {
    let seen = 0;
    await new Promise((resolve) => {
      const receive = (delivery) => {
        void delivery.message.body;
        void delivery.settle({ kind: "ack" });
        seen += 1;
        if (seen === count) resolve();
      };
      const request = { group, channels: [{ channel, types: "all" }], ordering: "none", members: "share" };
      void transport.consumer
        .subscribe({ ...request, startAt: "new", maxInFlight: window, onFault: console.error }, receive)
        .then((opened) => (subscription = opened));
    });
  });
  await subscription?.close();
  await transport.close();
  return result;
}

async function coreConsume(group) {
  const messaging = await createMessaging({ source: "/bench", broker: rabbitmq({ url }), logger: quiet });
  let seen = 0;
  const result = await measured(
    () =>
      new Promise((resolve) => {
        const consumer = defineConsumer(group, { inbox: "none", maxInFlight: window }).on(Placed, () => {
          seen += 1;
          if (seen === count) resolve();
        });
        void messaging.consume(consumer);
      }),
  );
  await messaging.close();
  return result;
}

const groups = ["raw-each", "raw-batched", "transport", "core"].map((name) => `${channel}.${name}`);
const delivery = {
  "x-delivery-limit": 1_000,
  "x-dead-letter-exchange": "",
  "x-dead-letter-strategy": "at-least-once",
};
await admin.assertExchange(channel, "topic");
for (const group of groups) {
  const { name, options } = queue(group);
  await admin.assertQueue(name, {
    ...options,
    arguments: {
      ...options.arguments,
      ...delivery,
      "x-dead-letter-routing-key": `${name}:dead`,
      "x-overflow": "reject-publish",
    },
  });
}

/** @type {Record<string, { perSecond: number, cpuUs: number }[]>} */
const results = {};
const note1 = async (name, work) => (results[name] ??= []).push(await work());
const bind = (group) => admin.bindQueue(group, channel, "#");
const unbind = (group) => admin.unbindQueue(group, channel, "#");

for (let round = 0; round < rounds; round += 1) {
  const [each, batched, transport, core] = groups;
  // Each way publishes into one queue, and that queue is what the matching way consumes.
  await bind(each);
  await note1("publish  raw amqplib", rawPublish);
  await unbind(each);
  await bind(batched);
  await rawPublish();
  await unbind(batched);
  await bind(transport);
  await note1("publish  transport", transportPublish);
  await unbind(transport);
  await bind(core);
  await note1("publish  core", corePublish);
  await unbind(core);
  await note1("consume  raw, ack each", () => rawConsume(each, "each"));
  await note1("consume  raw, ack 64 at once", () => rawConsume(batched, "batched"));
  await note1("consume  transport", () => transportConsume(transport));
  await unbind(transport);
  await note1("consume  core", () => coreConsume(core));
  for (const group of groups) await admin.unbindQueue(group, channel, `*.${Placed.type}`);
  for (const group of groups) await unbind(group);
}

for (const [name, rows] of Object.entries(results)) {
  const median = (pick) => rows.map(pick).sort((a, b) => a - b)[Math.floor(rows.length / 2)] ?? 0;
  const perSecond = Math.round(median((row) => row.perSecond)).toLocaleString("en");
  const cpuUs = median((row) => row.cpuUs).toFixed(1);
  console.log(`${name.padEnd(32)} ${cpuUs.padStart(6)} µs cpu  ${perSecond.padStart(8)} /s`);
}
for (const group of groups) for (const name of [group, `${group}:dead`]) await admin.deleteQueue(name);
await admin.deleteExchange(channel);
await model.close();
