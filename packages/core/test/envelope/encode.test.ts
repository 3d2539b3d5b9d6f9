import { describe, expect, test } from "vitest";
import { encode } from "../../src/envelope/encode.ts";
import { sealedEvent, textOf, utf8 } from "./given.ts";

const full = sealedEvent({
  id: "ü-1",
  subject: "orders/1",
  dataschema: "https://example.com/schema#v1",
  key: "k",
  shard: 7,
  extensions: { correlationid: "c", causationid: "b", priority: 5, urgent: true },
  traceparent: "00-aa-bb-01",
  tracestate: "v=1",
  tenant: "acme",
});

describe("binary mode", () => {
  test("58. puts every attribute beside the data, by its plain name and as its canonical string", () => {
    const message = encode(full, "binary");
    expect(message.attributes).toEqual({
      specversion: "1.0",
      id: "ü-1",
      source: "/services/orders",
      type: "com.acme.orders.order-placed.v1",
      time: "2026-03-01T10:20:30.456Z",
      subject: "orders/1",
      dataschema: "https://example.com/schema#v1",
      partitionkey: "k",
      traceparent: "00-aa-bb-01",
      tracestate: "v=1",
      tenantid: "acme",
      correlationid: "c",
      causationid: "b",
      priority: "5",
      urgent: "true",
    });
    expect(message.contentType).toBe("application/json");
    expect(message.body).toBe(full.payload);
  });

  test("what is not set is not there", () => {
    const message = encode(
      sealedEvent({ time: undefined, contentType: undefined, payload: undefined }),
      "binary",
    );
    expect(message.attributes).toEqual({
      specversion: "1.0",
      id: "a-1",
      source: "/services/orders",
      type: "com.acme.orders.order-placed.v1",
    });
    expect(message).toMatchObject({ headers: {}, contentType: undefined, body: undefined, key: undefined });
  });
});

describe("structured mode", () => {
  test("58. puts the event into JSON, with the types of its extensions", () => {
    const message = encode(full, "structured");
    expect(message.contentType).toBe("application/cloudevents+json; charset=utf-8");
    expect(message.attributes).toEqual({});
    expect(JSON.parse(textOf(message.body))).toEqual({
      specversion: "1.0",
      id: "ü-1",
      source: "/services/orders",
      type: "com.acme.orders.order-placed.v1",
      time: "2026-03-01T10:20:30.456Z",
      subject: "orders/1",
      datacontenttype: "application/json",
      dataschema: "https://example.com/schema#v1",
      partitionkey: "k",
      traceparent: "00-aa-bb-01",
      tracestate: "v=1",
      tenantid: "acme",
      correlationid: "c",
      causationid: "b",
      priority: 5,
      urgent: true,
      data: { orderId: "o-1" },
    });
  });

  test("JSON data is put in to the letter: numbers, white space and repeated members stay", () => {
    const payload = '{ "n": 12345678901234567890.10, "n": 1e2,\n"ü":"\\u00fc" }';
    const message = encode(sealedEvent({ payload: utf8(payload) }), "structured");
    expect(textOf(message.body)).toContain(`"data":${payload}}`);
  });

  test("a payload that is no JSON cannot write attributes: it travels as bytes", () => {
    for (const payload of ['1,"id":"forged"', "{", "", "\ufeff{}", "{} {}"]) {
      const message = encode(sealedEvent({ payload: utf8(payload) }), "structured");
      const json = JSON.parse(textOf(message.body)) as Record<string, unknown>;
      expect(json["id"]).toBe("a-1");
      expect(json["data_base64"]).toBe(Buffer.from(payload).toString("base64"));
      expect(json).not.toHaveProperty("data");
    }
  });

  test("60. text is a string; bytes, unknown types and text that is no UTF-8 are data_base64", () => {
    const data = (contentType: string | undefined, payload: Uint8Array) =>
      (({ data, data_base64 }: Record<string, unknown>) => ({ data, data_base64 }))(
        JSON.parse(textOf(encode(sealedEvent({ contentType, payload }), "structured").body)) as Record<
          string,
          unknown
        >,
      );
    expect(data("text/plain", utf8('a "ü"\n'))).toEqual({ data: 'a "ü"\n' });
    expect(data("text/plain", Uint8Array.from([0xff]))).toEqual({ data_base64: "/w==" });
    expect(data("text/plain; charset=iso-8859-1", Uint8Array.from([0xfc]))).toEqual({ data_base64: "/A==" });
    expect(data("application/octet-stream", utf8("{}"))).toEqual({ data_base64: "e30=" });
    expect(data(undefined, utf8("{}"))).toEqual({ data_base64: "e30=" });
    expect(data("application/json", Uint8Array.from([0x22, 0xff, 0x22]))).toEqual({ data_base64: "Iv8i" });
  });

  test("no data is no member, and null is one", () => {
    const none = sealedEvent({ payload: undefined, contentType: undefined });
    expect(JSON.parse(textOf(encode(none, "structured").body))).not.toHaveProperty("data");
    expect(
      JSON.parse(textOf(encode(sealedEvent({ payload: utf8("null") }), "structured").body)),
    ).toHaveProperty("data", null);
  });
});

describe.each(["binary", "structured"] as const)("in %s mode", (mode) => {
  test("67. trace context stands in the headers with the values of the attributes", () => {
    expect(encode(full, mode).headers).toEqual({ traceparent: "00-aa-bb-01", tracestate: "v=1" });
  });

  test("the address, the key, the shard and the message id are the event's", () => {
    expect(encode(full, mode)).toMatchObject({
      channel: "com.acme.orders",
      type: "com.acme.orders.order-placed.v1",
      key: "k",
      shard: 7,
      messageId: "/services/orders#ü-1",
    });
  });

  test("the size counts attributes, headers, content type and body in bytes", () => {
    const message = encode(full, mode);
    const entries = [...Object.entries(message.attributes), ...Object.entries(message.headers)].flat();
    const expected =
      Buffer.byteLength([...entries, message.contentType].join("")) + (message.body?.byteLength ?? 0);
    expect(message.sizeBytes).toBe(expected);
  });
});
