// What our layers take on top of ioredis, per message: `npm run bench -- redis`, with `npm run services -- up redis`.
//
// Raw ioredis, the transport and the whole library one after another in the same run, against the same server. `cpu` is
// user and system time of this process. Compare within one run, never between days.
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { createMessaging, defineConsumer, defineEvent } from "@postrider/core";
import { redis } from "@postrider/redis";
import { startedUrl } from "../scripts/services/index.mjs";

const url = process.env["BROKER_URL"] ?? startedUrl("redis");
const count = Number(process.argv[2] ?? 30_000);
const rounds = Number(process.argv[3] ?? 3);
const window = 1_000;
const namePrefix = `bench-${randomUUID()}:`;
const channel = "com.acme.orders";
const any = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } };
const Placed = defineEvent("com.acme.orders.order-placed.v1", {
  data: any,
  key: (data) => data.key,
  channel,
});
const note = "x".repeat(960);
const dataOf = (n) => ({ key: `order-${n % 100}`, n, note });
const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
const options = { url, namePrefix };
const admin = new Redis(url, { protocol: 2 });

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

const rawStream = `${namePrefix}raw`;

async function rawPublish() {
  const raw = new Redis(url, { protocol: 2 });
  const result = await measured(() =>
    inWindow((n) =>
      raw.xadd(rawStream, "*", ...fieldsOf(randomUUID(), n), "data", Buffer.from(JSON.stringify(dataOf(n)))),
    ),
  );
  raw.disconnect();
  return result;
}

/** What a producer of CloudEvents writes by hand. */
const fieldsOf = (id, n) => [
  ...["ce_specversion", "1.0", "ce_id", id, "ce_source", "/bench", "ce_type", Placed.type],
  ...["ce_time", new Date().toISOString(), "ce_partitionkey", `order-${n % 100}`],
  ...["content-type", "application/json"],
];

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
  const transport = redis(options);
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
  const messaging = await createMessaging({ source: "/bench", broker: redis(options), logger: quiet });
  const result = await measured(() => inWindow((n) => messaging.publish(Placed(dataOf(n)))));
  await messaging.close();
  return result;
}

/** @param {"each" | "batched"} acks */
async function rawConsume(acks) {
  const raw = new Redis(url, { protocol: 2 });
  const group = `raw-${acks}-${randomUUID()}`;
  await raw.xgroup("CREATE", rawStream, group, "0");
  const result = await measured(async () => {
    let seen = 0;
    while (seen < count) {
      const reply = await raw.callBuffer("XREADGROUP", [
        ...["GROUP", group, "one", "COUNT", 100, "BLOCK", 1_000, "STREAMS", rawStream, ">"],
      ]);
      const ids = reply[0][1].map(([id]) => id);
      seen += ids.length;
      if (acks === "each") for (const id of ids) void raw.xack(rawStream, group, id);
      else void raw.xack(rawStream, group, ...ids);
    }
    await raw.ping();
  });
  raw.disconnect();
  return result;
}

/** @param {"none" | "key"} ordering */
async function transportConsume(ordering) {
  const transport = redis(options);
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
      const request = { channels: [{ channel, types: "all" }], ordering, members: "share" };
      void transport.consumer
        .subscribe(
          {
            ...request,
            group: randomUUID(),
            startAt: "beginning",
            maxInFlight: window,
            onFault: console.error,
          },
          receive,
        )
        .then((opened) => (subscription = opened));
    });
  });
  await subscription?.close();
  await transport.close();
  return result;
}

/** @param {"none" | "key"} ordering */
async function coreConsume(ordering) {
  const messaging = await createMessaging({ source: "/bench", broker: redis(options), logger: quiet });
  let seen = 0;
  const result = await measured(
    () =>
      new Promise((resolve) => {
        const consumer = defineConsumer(randomUUID(), {
          inbox: "none",
          maxInFlight: window,
          ordering,
          startAt: "beginning",
        }).on(Placed, () => {
          seen += 1;
          if (seen === count) resolve();
        });
        void messaging.consume(consumer);
      }),
  );
  await messaging.close();
  return result;
}

async function clear() {
  for await (const page of admin.scanStream({ match: `${namePrefix}*`, count: 1_000 }))
    if (page.length > 0) await admin.unlink(...page);
}

/** @type {Record<string, { perSecond: number, cpuUs: number }[]>} */
const results = {};
const note1 = async (name, work) => (results[name] ??= []).push(await work());

for (let round = 0; round < rounds; round += 1) {
  await note1("publish  raw ioredis", rawPublish);
  await note1("publish  transport", transportPublish);
  await note1("consume  raw, ack each", () => rawConsume("each"));
  await note1("consume  raw, ack 100 at once", () => rawConsume("batched"));
  await note1("consume  transport", () => transportConsume("none"));
  await note1("consume  transport, ordered", () => transportConsume("key"));
  await clear();
  await note1("publish  core", corePublish);
  await note1("consume  core", () => coreConsume("none"));
  await note1("consume  core, ordered", () => coreConsume("key"));
  await clear();
}

for (const [name, rows] of Object.entries(results)) {
  const median = (pick) => rows.map(pick).sort((a, b) => a - b)[Math.floor(rows.length / 2)] ?? 0;
  const perSecond = Math.round(median((row) => row.perSecond)).toLocaleString("en");
  const cpuUs = median((row) => row.cpuUs).toFixed(1);
  console.log(`${name.padEnd(32)} ${cpuUs.padStart(6)} µs cpu  ${perSecond.padStart(8)} /s`);
}
admin.disconnect();
