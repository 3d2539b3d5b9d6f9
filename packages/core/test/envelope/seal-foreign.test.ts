import { CloudEvent } from "cloudevents";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/envelope/decode.ts";
import { encode } from "../../src/envelope/encode.ts";
import { sealForeign } from "../../src/envelope/seal-foreign.ts";
import { shardOf } from "../../src/envelope/shard.ts";
import { coded, arrived, problemsOf, refusal, sealedEvent, textOf } from "./given.ts";

const minimal = { specversion: "1.0", id: "1", source: "/elsewhere", type: "org.other.thing.happened.v2" };

describe("forwarding an event from elsewhere", () => {
  test("makes up no attribute", () => {
    expect(sealForeign(minimal)).toEqual(
      sealedEvent({
        ...minimal,
        specversion: "1.0",
        channel: "org.other.thing",
        shard: shardOf("1"),
        time: undefined,
        contentType: undefined,
        payload: undefined,
      }),
    );
  });

  test("keeps the text of its time, its extensions with their types, its key, tenant and trace", () => {
    const sealed = sealForeign({
      ...minimal,
      time: "2018-04-05T18:31:00.123456789+01:00",
      partitionkey: "k",
      tenantid: "acme",
      correlationid: "c",
      traceparent: "t",
      number: 5,
      flag: false,
    } as typeof minimal);
    expect(sealed).toMatchObject({
      time: "2018-04-05T18:31:00.123456789+01:00",
      key: "k",
      shard: shardOf("k"),
      tenant: "acme",
      traceparent: "t",
      extensions: { correlationid: "c", number: 5, flag: false },
    });
  });

  test.each([
    [{ data: { a: 1 } }, "application/json", '{"a":1}'],
    [{ data: null }, "application/json", "null"],
    [{ data: "text" }, "application/json", '"text"'],
    [{ data: "text", datacontenttype: "text/plain" }, "text/plain", "text"],
    [{ data: "<a/>", datacontenttype: "application/xml" }, "application/xml", "<a/>"],
    [{ data: { a: 1 }, datacontenttype: "application/x+json" }, "application/x+json", '{"a":1}'],
    [{ data_base64: "AP8=", datacontenttype: "image/png" }, "image/png", "\u0000\ufffd"],
    [{ data_base64: "e30=" }, undefined, "{}"],
    [{ data: Uint8Array.from([65]) }, undefined, "A"],
  ])("of %j sends the data as %s", (members, contentType, text) => {
    const sealed = sealForeign({ ...minimal, ...members });
    expect(sealed.contentType).toBe(contentType);
    expect(textOf(sealed.payload)).toBe(text);
  });

  test("takes objects of the cloudevents package: no undefined member, no method, binary data once", () => {
    const event = new CloudEvent({
      ...minimal,
      time: "2020-01-01T00:00:00Z",
      data: Uint8Array.from([1, 2]),
      ext: 1,
    });
    const sealed = sealForeign(event);
    expect([...(sealed.payload ?? [])]).toEqual([1, 2]);
    expect(sealed.extensions).toEqual({ ext: 1 });
    expect(sealed.contentType).toBeUndefined();
    expect([...(sealForeign(new CloudEvent({ ...minimal, data_base64: "AQI=" })).payload ?? [])]).toEqual([
      1, 2,
    ]);
  });

  test("takes a received message as it is", () => {
    const sent = sealedEvent({
      key: "k",
      extensions: { correlationid: "c", causationid: "b" },
      traceparent: "t",
    });
    const { message } = decode(arrived(encode(sent, "binary")));
    expect(encode(sealForeign(message), "binary")).toEqual({
      ...encode(sent, "binary"),
      shard: shardOf("k"),
    });
  });

  test.each([
    [{ ...minimal, specversion: "0.3" }],
    [{ ...minimal, id: "" }],
    [{ ...minimal, time: "noon" }],
    [{ ...minimal, "my-ext": "x" }],
    [{ ...minimal, ext: { a: 1 } }],
    [{ ...minimal, data: "a", data_base64: "YQ==" }],
    [{ ...minimal, data: Uint8Array.from([1]), data_base64: "YQ==" }],
    [{ ...minimal, data_base64: "not base64" }],
    [{ ...minimal, data_base64: 7 }],
    [null as never],
    ["event" as never],
    [[] as never],
  ])("refuses %j", (event) => {
    expect(() => sealForeign(event)).toThrow(coded("CONTRACT_INVALID_EVENT"));
  });

  test("needs a channel where the type cannot be an address", () => {
    const event = { ...minimal, type: "https://other.org/thing happened" };
    const error = refusal(() => sealForeign(event), "CONTRACT_INVALID_EVENT");
    expect(problemsOf(error)).toEqual(["channel: cannot be made from the type; pass one"]);
    expect(sealForeign(event, "other").channel).toBe("other");
    expect(() => sealForeign(event, "a b")).toThrow(coded("CONTRACT_INVALID_EVENT"));
  });

  test("refuses data that is neither text nor bytes under a content type other than JSON", () => {
    const event = { ...minimal, datacontenttype: "application/xml", data: { secret: 1 } };
    expect(refusal(() => sealForeign(event), "CONTRACT_NOT_SERIALIZABLE").message).not.toContain("secret");
  });
});
