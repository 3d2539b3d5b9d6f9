import { createMessaging, defineConsumer, defineEvent, type Message } from "@postrider/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redis } from "../src/index.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";

interface Order {
  readonly order: string;
  readonly note: string;
}

/** Any order will do. */
const orders = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: value as Order }),
    types: undefined as { readonly input: Order; readonly output: Order } | undefined,
  },
};
const Placed = defineEvent("com.example.shop.order-placed.v1", { data: orders, key: ({ order }) => order });
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const stamp = {
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  time: new Date("2026-01-02T03:04:05.678Z"),
};
const data: Order = { order: "order-7", note: "Grüße 🐎" };

/** What one event is on the wire: other producers and consumers rely on it, so it does not change between versions. */
const golden = {
  binary: [
    ["ce_specversion", "1.0"],
    ["ce_id", "01890a5d-ac96-774b-bcce-b302099a8057"],
    ["ce_source", "/shop"],
    ["ce_type", "com.example.shop.order-placed.v1"],
    ["ce_time", "2026-01-02T03:04:05.678Z"],
    ["ce_partitionkey", "order-7"],
    ["ce_correlationid", "01890a5d-ac96-774b-bcce-b302099a8057"],
    ["content-type", "application/json"],
    ["data", '{"order":"order-7","note":"Grüße 🐎"}'],
  ],
  structured: [
    ["content-type", "application/cloudevents+json; charset=utf-8"],
    ["postrider-key", "order-7"],
    [
      "data",
      '{"specversion":"1.0","id":"01890a5d-ac96-774b-bcce-b302099a8057","source":"/shop","type":"com.example.shop.order-placed.v1","time":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json","partitionkey":"order-7","correlationid":"01890a5d-ac96-774b-bcce-b302099a8057","data":{"order":"order-7","note":"Grüße 🐎"}}',
    ],
  ],
} as const;

describe.each(["binary", "structured"] as const)("58. an event in %s mode", (contentMode) => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());
  const open = () =>
    createMessaging({
      source: "/shop",
      broker: redis({ url: broker.url, namePrefix: broker.prefix, partitions: 1 }),
      contentMode,
      logger: quiet,
    });

  test("is written in these fields", async () => {
    const messaging = await open();
    await messaging.publish(Placed(data, stamp));
    await messaging.close();
    const client = await broker.raw();
    const [entry] = await client.xrange(`${broker.prefix}{com.example.shop:0}`, "-", "+");
    const fields = entry?.[1] ?? [];
    const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : []));
    expect(pairs).toEqual(golden[contentMode]);
  });

  test("is read back from these fields", async () => {
    const client = await broker.raw();
    const messaging = await open();
    const handled: Message[] = [];
    const consumer = defineConsumer("golden", { inbox: "none" }).on(
      Placed,
      (message) => void handled.push(message),
    );
    await messaging.consume(consumer);
    await client.xadd(`${broker.prefix}{com.example.shop:0}`, "*", ...golden[contentMode].flat());
    await expect.poll(() => handled.length).toBe(1);
    expect(handled[0]).toMatchObject({ id: stamp.id, source: "/shop", partitionkey: "order-7", data });
    await messaging.close();
  });
});
