// What the envelope costs beside the official SDK: `node benchmarks/envelope.bench.mjs`, on Node 24 (it runs the sources).
//
// One event of 11 attributes with 280 bytes of JSON. Every row does the same job: ours validates the data by schema and
// each attribute, decides id, time, key and correlation, and counts bytes; the SDK does what its strict mode does.
import { CloudEvent, HTTP, Kafka } from "cloudevents";
import { bench, do_not_optimize, group, run, summary } from "mitata";
import { z } from "zod";

const from = (path) => import(new URL(`../packages/core/src/${path}.ts`, import.meta.url).href);
const { createSealer } = await from("envelope/seal");
const { createUuidV7 } = await from("envelope/uuid-v7");
const { encode } = await from("envelope/encode");
const { decode } = await from("envelope/decode");
const { shardOf } = await from("envelope/shard");
const { defineEvent } = await from("event/define");
const { partsOfDraft } = await from("event/draft");

const clock = { now: Date.now, monotonicMs: () => performance.now(), schedule: () => () => undefined };
const newId = createUuidV7(clock);
const sealer = createSealer({ source: "https://example.com/services/orders", newId, clock });

const data = {
  orderId: "order-123456",
  customerId: "customer-99",
  total: 129.95,
  currency: "EUR",
  lines: [
    { sku: "A-1001", quantity: 2, price: 19.95 },
    { sku: "B-2002", quantity: 1, price: 90.05 },
  ],
  shipTo: { street: "Main Street 1", zip: "12345", city: "Springfield", country: "DE" },
  note: "leave it at the door, thanks",
};
const text = JSON.stringify(data);
const line = z.object({ sku: z.string(), quantity: z.number(), price: z.number() });
const schema = z.object({
  orderId: z.string(),
  customerId: z.string(),
  total: z.number(),
  currency: z.string(),
  lines: z.array(line),
  shipTo: z.object({ street: z.string(), zip: z.string(), city: z.string(), country: z.string() }),
  note: z.string(),
});
const anything = { "~standard": { version: 1, vendor: "none", validate: (value) => ({ value }) } };
const type = "com.acme.orders.order-placed.v1";
const key = (order) => order.orderId;
const OrderPlaced = defineEvent(type, { data: schema, key });
const Unchecked = defineEvent(type, { data: anything, key });
const context = {
  lineage: { correlationid: "0199c1b5-1", causationid: "0199c1b5-2", tenant: undefined },
  trace: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", tracestate: undefined },
};
const seal = (definition) => {
  const draft = definition(data, { subject: "orders/123456" });
  return sealer.seal(draft, partsOfDraft(draft, "publish", "event"), context);
};
const sealed = seal(OrderPlaced);
const arrived = (mode) => {
  const { attributes, headers, contentType, body, channel } = encode(sealed, mode);
  return { attributes, headers, contentType, body, channel, key: sealed.key };
};
const binary = arrived("binary");
const structured = arrived("structured");

const attributes = () => ({
  id: newId(),
  source: sealed.source,
  type,
  time: new Date().toISOString(),
  subject: "orders/123456",
  datacontenttype: "application/json",
  partitionkey: data.orderId,
  correlationid: context.lineage.correlationid,
  causationid: context.lineage.causationid,
  traceparent: context.trace.traceparent,
  data,
});
const sdk = new CloudEvent(attributes());
const sdkKafka = () => ({
  headers: {
    "content-type": "application/json",
    ...Object.fromEntries(Object.entries(binary.attributes).map(([name, value]) => [`ce_${name}`, value])),
  },
  value: Buffer.from(binary.body).toString(),
});
const sdkStructured = {
  headers: { "content-type": structured.contentType },
  body: Buffer.from(structured.body).toString(),
};

console.log(`data: ${text.length} bytes of JSON`);

group("floor", () => {
  bench("JSON.stringify(data)", () => do_not_optimize(JSON.stringify(data)));
  bench("JSON.parse(data)", () => do_not_optimize(JSON.parse(text)));
  bench("schema of the data (zod)", () => do_not_optimize(schema["~standard"].validate(data)));
});
group("parts", () => {
  bench("createUuidV7", () => do_not_optimize(newId()));
  bench("shardOf, 12 characters", () => do_not_optimize(shardOf("order-123456")));
});
summary(() => {
  group("out, binary", () => {
    bench("seal + encode", () => do_not_optimize(encode(seal(OrderPlaced), "binary")));
    bench("seal + encode, schema that takes everything", () =>
      do_not_optimize(encode(seal(Unchecked), "binary")));
    bench("encode", () => do_not_optimize(encode(sealed, "binary")));
    bench("cloudevents: create + Kafka.binary + JSON.stringify", () =>
      do_not_optimize(JSON.stringify(Kafka.binary(new CloudEvent(attributes())).value)));
  });
});
summary(() => {
  group("out, structured", () => {
    bench("seal + encode", () => do_not_optimize(encode(seal(OrderPlaced), "structured")));
    bench("encode", () => do_not_optimize(encode(sealed, "structured")));
    bench("cloudevents: create + HTTP.structured", () =>
      do_not_optimize(HTTP.structured(new CloudEvent(attributes()))));
    bench("cloudevents: HTTP.structured", () => do_not_optimize(HTTP.structured(sdk)));
  });
});
summary(() => {
  group("in, binary", () => {
    bench("decode", () => do_not_optimize(decode(binary)));
    bench("cloudevents: Kafka.toEvent", () => do_not_optimize(Kafka.toEvent(sdkKafka())));
  });
});
summary(() => {
  group("in, structured", () => {
    bench("decode", () => do_not_optimize(decode(structured)));
    bench("cloudevents: HTTP.toEvent", () => do_not_optimize(HTTP.toEvent(sdkStructured)));
  });
});

await run();
