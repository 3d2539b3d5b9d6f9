import { CloudEvent, HTTP, Kafka } from "cloudevents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromCloudEvent, toCloudEvent } from "../../src/cloudevents/index.ts";
import type { Message } from "../../src/contracts/message.ts";
import { decode } from "../../src/envelope/decode.ts";
import { encode } from "../../src/envelope/encode.ts";
import { sealForeign } from "../../src/envelope/seal-foreign.ts";
import { sample, seeded } from "../envelope/arbitraries.ts";
import { arrived, incoming, problemsOf, refusal, textOf, utf8 } from "../envelope/given.ts";

const message: Message = {
  specversion: "1.0",
  id: "1",
  source: "/services/orders",
  type: "com.acme.orders.order-placed.v1",
  time: "2018-04-05T18:31:00.123456789+01:00",
  datacontenttype: "application/json",
  partitionkey: "k",
  data: { orderId: "o-1" },
};

describe("to the cloudevents package", () => {
  test("every attribute stands on its object, also extensions, and the time keeps its text", () => {
    const event = toCloudEvent(message, { priority: 5, urgent: true });
    expect(event).toBeInstanceOf(CloudEvent);
    expect(event).toMatchObject({ ...message, priority: 5, urgent: true });
    expect(event.validate()).toBe(true);
  });

  test("bytes are data_base64 there", () => {
    const event = toCloudEvent({ ...message, datacontenttype: "image/png", data: Uint8Array.from([0, 255]) });
    expect(event.data_base64).toBe("AP8=");
    expect(JSON.parse(JSON.stringify(event))).toMatchObject({ data_base64: "AP8=" });
  });

  test("a message without a time gets the time of the call, since the class cannot be without", () => {
    const { time, ...timeless } = message;
    expect(time).toBeDefined();
    const before = Date.now();
    const made = Date.parse(toCloudEvent(timeless).time ?? "");
    expect(made).toBeGreaterThanOrEqual(before);
    expect(made).toBeLessThanOrEqual(Date.now());
  });

  test("what breaks our rules is refused, although the package would take it", () => {
    const broken = { ...message, id: "", time: "2018-04-05T18:31:00+25:00", datacontenttype: "xyz" };
    expect(new CloudEvent({ ...broken }, false).id).not.toBe(""); // a new id on each conversion
    const error = refusal(() => toCloudEvent(broken, { Bad: "x", schemaurl: "x" }), "CONTRACT_INVALID_EVENT");
    expect(problemsOf(error)).toHaveLength(5);
  });
});

describe("from the cloudevents package", () => {
  test("members that it leaves undefined are absent, and methods are no extensions", () => {
    const event = new CloudEvent({ id: "1", type: "t", source: "/s", time: "2020-01-01T00:00:00Z", ext: 5 });
    const { message: read, extensions, tenant } = fromCloudEvent(event);
    expect(read).toStrictEqual({
      specversion: "1.0",
      id: "1",
      source: "/s",
      type: "t",
      time: "2020-01-01T00:00:00Z",
      data: undefined,
    });
    expect({ ...extensions }).toStrictEqual({ ext: 5 });
    expect(tenant).toBeUndefined();
  });

  test("60. binary data is bytes, whichever way the object got it", () => {
    const base = { id: "1", type: "t", source: "/s", datacontenttype: "image/png" };
    for (const event of [
      new CloudEvent({ ...base, data_base64: "AP8=" }),
      new CloudEvent({ ...base, data: Uint8Array.from([0, 255]) }),
      new CloudEvent({ ...base, data: Buffer.from([0, 255]) }),
      { ...base, specversion: "1.0", data: Uint32Array.from([0, 255]), data_base64: "AP8=" }, // as older releases have it
    ]) {
      const { data } = fromCloudEvent(event).message;
      expect(data).toBeInstanceOf(Uint8Array);
      expect([...(data as Uint8Array)]).toEqual([0, 255]);
    }
  });

  test("59. what the package takes and the specification refuses is refused", () => {
    const event = new CloudEvent(
      { id: "1", type: "t", source: "a b", datacontenttype: "xyz", ext: { a: 1 } },
      false,
    );
    expect(problemsOf(refusal(() => fromCloudEvent(event), "CONTRACT_INVALID_EVENT"))).toHaveLength(3);
  });

  test("there and back every message is what it was", () => {
    fc.assert(
      fc.property(sample, ({ event }) => {
        fc.pre(event.time !== undefined && !("schemaurl" in event.extensions));
        const { message: sent, extensions, tenant } = decode(arrived(encode(event, "structured")));
        const all = tenant === undefined ? extensions : { ...extensions, tenantid: tenant };
        const back = fromCloudEvent(toCloudEvent(sent, all));
        const { data } = back.message;
        expect({
          ...back.message,
          data: data instanceof Uint8Array ? Buffer.from(data) : data,
        }).toStrictEqual(sent);
        expect({ ...back.extensions }).toStrictEqual({ ...extensions });
        expect(back.tenant).toBe(tenant);
      }),
      { ...seeded, numRuns: 200 },
    );
  });
});

describe("interoperation with the cloudevents package over the wire", () => {
  const event = sealForeign({ ...message, correlationid: "c" } as Message);

  test("58. it reads our structured mode", () => {
    const { body } = encode(event, "structured");
    const read = HTTP.toEvent({
      headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
      body: textOf(body),
    });
    expect(read).toMatchObject({
      id: "1",
      type: message.type,
      data: { orderId: "o-1" },
      partitionkey: "k",
      correlationid: "c",
    });
  });

  test("58. it reads our binary mode with the prefix of Kafka", () => {
    const { attributes, contentType, body } = encode(event, "binary");
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]),
    );
    const read = Kafka.toEvent({
      headers: { ...headers, "content-type": contentType },
      value: textOf(body),
    } as never);
    expect(read).toMatchObject({ id: "1", type: message.type, data: { orderId: "o-1" }, correlationid: "c" });
  });

  test("58. we read its structured mode, announced or not", () => {
    const sent = HTTP.structured(toCloudEvent(message));
    for (const contentType of [String(sent.headers["content-type"]), "text/plain", undefined]) {
      const read = decode(incoming({ contentType, body: utf8(sent.body as string) }));
      // Its JSON cuts the time to milliseconds and moves it to UTC: the same instant is all it promises.
      expect(read.message).toEqual({ ...message, time: "2018-04-05T17:31:00.123Z" });
    }
  });

  test("58. we read its binary mode of Kafka, with the content type twice and a key that is none of ours", () => {
    const sent = Kafka.binary(toCloudEvent(message, { ext: "x" }));
    // It also leaves headers undefined, which no client sends.
    const headers = Object.entries(sent.headers).filter(
      ([name, value]) => name.startsWith("ce_") && value !== undefined,
    );
    const attributes = Object.fromEntries(headers.map(([name, value]) => [name.slice(3), String(value)]));
    expect(attributes).toHaveProperty("datacontenttype");
    const body = utf8(JSON.stringify(sent.value)); // it leaves the data an object
    const read = decode(
      incoming({ attributes, contentType: String(sent.headers["content-type"]), body, key: "other" }),
    );
    expect(read.message).toEqual({ ...message, time: attributes["time"] });
    expect(read.key).toBe("k");
    expect({ ...read.extensions }).toEqual({ ext: "x" });
  });
});
