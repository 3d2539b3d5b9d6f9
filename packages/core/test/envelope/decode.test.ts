import { describe, expect, test } from "vitest";
import { maxJsonBytes } from "../../src/envelope/body-data.ts";
import { decode } from "../../src/envelope/decode.ts";
import { encode } from "../../src/envelope/encode.ts";
import type { IncomingMessage } from "../../src/contracts/wire.ts";
import {
  codeOf,
  coded,
  arrived,
  incoming,
  problemsOf,
  refusal,
  sealedEvent,
  structured,
  textOf,
  utf8,
} from "./given.ts";

const required = { specversion: "1.0", id: "1", source: "/s", type: "t" };

function binary(
  changes: Partial<IncomingMessage> = {},
  attributes: Record<string, string> = {},
): IncomingMessage {
  return incoming({ attributes: { ...required, ...attributes }, ...changes });
}

describe("telling the content modes apart", () => {
  test.each([
    "application/cloudevents+json",
    "APPLICATION/CloudEvents+JSON; charset=UTF-8",
    "application/cloudevents",
  ])("58. the content type %s means structured mode, whatever the attributes say", (contentType) => {
    const message = structured(
      { ...required, id: "in the body" },
      { contentType, attributes: { ...required } },
    );
    expect(decode(message)).toMatchObject({ mode: "structured", message: { id: "in the body" } });
  });

  test("58. a specversion attribute means binary mode, also around a body that is a CloudEvent", () => {
    const message = binary({
      contentType: "application/json",
      body: utf8(JSON.stringify({ ...required, id: "2" })),
    });
    expect(decode(message)).toMatchObject({ mode: "binary", message: { id: "1", data: { id: "2" } } });
  });

  test.each([["text/plain"], ["application/json"], [undefined]])(
    "58. without both, a JSON body with a specversion is structured mode: content type %s",
    (contentType) => {
      const body = utf8(` \n${JSON.stringify(required)}`);
      expect(decode(incoming({ contentType, body }))).toMatchObject({
        mode: "structured",
        message: { id: "1" },
      });
    },
  );

  test("58. a byte order mark and white space before such a body do not hide it", () => {
    const body = utf8(`\ufeff\r\n\t ${JSON.stringify(required)}`);
    expect(decode(incoming({ body })).mode).toBe("structured");
  });

  test.each([
    ["application/cloudevents-batch+json", "batch"],
    ["application/cloudevents+protobuf", "format"],
    ["application/cloudevents+avro", "format"],
  ])("%s is refused", (contentType, word) => {
    const error = refusal(() => decode(binary({ contentType, body: utf8("[]") })), "CONTRACT_UNDECODABLE");
    expect(error.message).toContain(word);
  });

  test.each([
    ["no body", undefined],
    ["an empty body", ""],
    ["text", "hello"],
    ["other JSON", '{"orderId":1}'],
    ["a JSON array", '[{"specversion":"1.0"}]'],
    ["broken JSON", '{"specversion":"1.0"'],
    ["a specversion that is inherited only", '{"__proto__":{"specversion":"1.0"}}'],
  ])("%s with nothing that announces an event is undecodable", (_, body) => {
    expect(() => decode(incoming({ body: body === undefined ? undefined : utf8(body) }))).toThrow(
      coded("CONTRACT_UNDECODABLE"),
    );
  });

  test("59. attributes without a specversion are an invalid event, which says what is missing", () => {
    const error = refusal(
      () => decode(incoming({ attributes: { id: "1", type: "t" } })),
      "CONTRACT_INVALID_EVENT",
    );
    expect(problemsOf(error)).toEqual(["specversion: is missing", "source: is missing"]);
  });
});

describe("binary mode", () => {
  test("members that the producer did not set are absent", () => {
    expect(Object.keys(decode(binary()).message).sort()).toEqual([
      "data",
      "id",
      "source",
      "specversion",
      "type",
    ]);
  });

  test("59. an unknown extension is kept, and stands beside the message", () => {
    const { message, extensions } = decode(
      binary({}, { comacmeregion: "eu", sequence: "007", correlationid: "c" }),
    );
    expect({ ...extensions }).toEqual({ comacmeregion: "eu", sequence: "007" });
    expect(message).not.toHaveProperty("comacmeregion");
    expect(message.correlationid).toBe("c");
  });

  test("3. Unicode, empty and 8 KB values arrive as they are", () => {
    const values = { one: "日本 😀 é", two: "", three: "x".repeat(8_192) };
    expect({ ...decode(binary({}, values)).extensions }).toEqual(values);
  });

  test("3. names that differ by case are not one name: CloudEvents has lower case only", () => {
    expect(() => decode(binary({}, { myext: "a", myExt: "b" }))).toThrow(coded("CONTRACT_INVALID_EVENT"));
  });

  test("the content type of the message is datacontenttype; an attribute counts only in its absence", () => {
    const both = binary(
      { contentType: "application/json", body: utf8("1") },
      { datacontenttype: "text/plain" },
    );
    expect(decode(both).message).toMatchObject({ datacontenttype: "application/json", data: 1 });
    const one = binary({ body: utf8("1") }, { datacontenttype: "text/plain" });
    expect(decode(one).message).toMatchObject({ datacontenttype: "text/plain", data: "1" });
  });

  test("the key is the partitionkey, else what the broker kept, which never becomes an attribute", () => {
    expect(decode(binary({ key: "broker" }, { partitionkey: "event" })).key).toBe("event");
    const kept = decode(binary({ key: "broker" }));
    expect(kept.key).toBe("broker");
    expect(kept.message).not.toHaveProperty("partitionkey");
    expect(decode(binary()).key).toBeUndefined();
    expect(decode(binary({ key: "broker" }, { partitionkey: "" })).key).toBe("broker");
  });

  test("the tenant is the attribute tenantid", () => {
    expect(decode(binary({}, { tenantid: "acme" }))).toMatchObject({ tenant: "acme", extensions: {} });
    expect(decode(binary()).tenant).toBeUndefined();
  });

  test.each([
    ["application/json", '{"a":1}', { a: 1 }],
    ["application/JSON; charset=iso-8859-1", '"ü"', "ü"],
    ["application/vnd.acme+json", "[1]", [1]],
    ["application/json", "null", null],
    ["application/json", "\ufeff{}", {}],
    ["text/plain", "ü\n", "ü\n"],
    ["text/plain", "", ""],
  ])("data of %s %j is read", (contentType, body, data) => {
    expect(decode(binary({ contentType, body: utf8(body) })).message.data).toEqual(data);
  });

  test.each([["application/octet-stream"], ["image/png"], ["text/plain; charset=utf-16"], [undefined]])(
    "4. bytes of %s are not touched",
    (contentType) => {
      const body = Uint8Array.from([123, 0, 255]);
      const decoded = decode(binary({ contentType, body }));
      expect(decoded.message.data).toBe(body);
      expect(decoded.payload).toBe(body);
    },
  );

  test("2. no body is no data; zero bytes are none where they cannot be anything", () => {
    const empty = new Uint8Array(0);
    expect(decode(binary({ contentType: "application/json" })).message.data).toBeUndefined();
    expect(decode(binary({ contentType: "application/json", body: empty })).message.data).toBeUndefined();
    expect(decode(binary({ body: empty })).message.data).toBeUndefined();
    expect(decode(binary({ contentType: "application/octet-stream", body: empty })).message.data).toBe(empty);
  });
});

describe("structured mode", () => {
  test("extensions keep their types", () => {
    const { extensions } = decode(structured({ ...required, number: 5, flag: false, text: "5" }));
    expect({ ...extensions }).toEqual({ number: 5, flag: false, text: "5" });
  });

  test("60. data_base64 is read by datacontenttype, like a body", () => {
    const read = (members: object) => decode(structured({ ...required, ...members })).message.data;
    expect(read({ data_base64: "AP8=", datacontenttype: "image/png" })).toEqual(Buffer.from([0, 255]));
    expect(read({ data_base64: "eyJhIjoxfQ==", datacontenttype: "application/json" })).toEqual({ a: 1 });
    expect(read({ data_base64: "w7w=", datacontenttype: "text/plain" })).toBe("ü");
    expect(read({ data_base64: "e30=" })).toEqual(Buffer.from("{}"));
  });

  test("60. a string in JSON stays a string, and null is data", () => {
    const read = (members: object) => decode(structured({ ...required, ...members })).message;
    expect(read({ data: '{"a":1}' }).data).toBe('{"a":1}');
    expect(read({ data: '{"a":1}', datacontenttype: "application/json" }).data).toBe('{"a":1}');
    expect(read({ data: "<a/>", datacontenttype: "application/xml" }).data).toBe("<a/>");
    expect(read({ data: null }).data).toBeNull();
    expect(read({}).data).toBeUndefined();
    expect(read({ data: 1, dataschema: "urn:schema:1" }).dataschema).toBe("urn:schema:1");
  });

  test("the payload is the bytes of the data", () => {
    const payload = (members: object) => decode(structured({ ...required, ...members })).payload;
    expect(textOf(payload({ data: { a: 1 } }))).toBe('{"a":1}');
    expect(textOf(payload({ data: "x" }))).toBe('"x"');
    expect(textOf(payload({ data: "x", datacontenttype: "text/plain" }))).toBe("x");
    expect(textOf(payload({ data: null }))).toBe("null");
    expect(payload({ data_base64: "AP8=" })).toEqual(Buffer.from([0, 255]));
    expect(payload({})).toBeUndefined();
  });

  test.each([
    ["no body", undefined],
    ["an empty body", utf8("")],
    ["broken JSON", utf8('{"specversion":"1.0", "secret": ')],
    ["an array", utf8("[]")],
    ["a string", utf8('"secret"')],
    ["null", utf8("null")],
    ["invalid UTF-8", Uint8Array.from([0x7b, 0xff, 0x7d])],
    ["UTF-16", Buffer.from(JSON.stringify(required), "utf16le")],
  ])("%s is undecodable", (_, body) => {
    const error = refusal(
      () => decode(incoming({ contentType: "application/cloudevents+json", body })),
      "CONTRACT_UNDECODABLE",
    );
    expect(error.message).not.toContain("secret");
    expect(error.cause).toBeUndefined();
  });
});

describe("hostile messages", () => {
  test("the error of broken JSON does not hold the text around the place", () => {
    const error = refusal(
      () => decode(binary({ contentType: "application/json", body: utf8('{"card": s3cr3t}') })),
      "CONTRACT_UNDECODABLE",
    );
    expect(JSON.stringify([error.message, error.stack, error.context, error.cause])).not.toContain("s3cr3t");
  });

  test("invalid UTF-8 in JSON or text is undecodable", () => {
    const body = Uint8Array.from([0x22, 0xc3, 0x28, 0x22]);
    for (const contentType of ["application/json", "text/plain"]) {
      expect(() => decode(binary({ contentType, body }))).toThrow(coded("CONTRACT_UNDECODABLE"));
    }
  });

  test("members called __proto__ and constructor pollute nothing", () => {
    const hostile = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}';
    const event = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{${hostile}}}`;
    const { message } = decode(incoming({ contentType: "application/cloudevents+json", body: utf8(event) }));
    expect(Object.getPrototypeOf(message.data)).toBe(Object.prototype);
    expect(() =>
      decode(incoming({ body: utf8(`{"specversion":"1.0","id":"1","source":"/s","type":"t",${hostile}}`) })),
    ).toThrow(coded("CONTRACT_INVALID_EVENT"));
    const attributes = JSON.parse(
      `{"specversion":"1.0","id":"1","source":"/s","type":"t","constructor":"x"}`,
    ) as Record<string, string>;
    const { extensions } = decode(incoming({ attributes }));
    expect({ ...extensions }).toEqual({ constructor: "x" });
    expect(extensions["toString"]).toBeUndefined();
    const unnamed = JSON.parse(
      '{"__proto__":{"specversion":"1.0","id":"1","source":"/s","type":"t"}}',
    ) as Record<string, string>;
    expect(() => decode(incoming({ attributes: unnamed }))).toThrow(coded("CONTRACT_UNDECODABLE"));
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("70. repeated members of a JSON event do not throw: the last one counts", () => {
    const body = utf8('{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t"}');
    expect(decode(incoming({ body })).message.id).toBe("2");
  });

  test("nesting as deep as the bytes allow does not crash", () => {
    const depth = 500_000;
    const body = utf8("[".repeat(depth) + "]".repeat(depth));
    expect(Array.isArray(decode(binary({ contentType: "application/json", body })).message.data)).toBe(true);
    expect(() => decode(binary({ contentType: "application/json", body: body.subarray(1) }))).toThrow(
      coded("CONTRACT_UNDECODABLE"),
    );
  });

  test("JSON above the limit is refused, although it is valid; other bytes may be longer", () => {
    const body = new Uint8Array(maxJsonBytes + 1).fill(0x20);
    body.set(utf8(JSON.stringify(required)));
    for (const message of [
      binary({ contentType: "application/json", body }),
      incoming({ contentType: "application/cloudevents+json", body }),
      incoming({ body }),
    ]) {
      expect(() => decode(message)).toThrow(coded("CONTRACT_UNDECODABLE"));
      const atLimit = { ...message, body: body.subarray(0, maxJsonBytes) };
      expect(decode(atLimit).message.id).toBe("1");
    }
    const bytes = binary({ contentType: "application/octet-stream", body });
    expect(decode(bytes).message.data).toBe(body);
  });

  test("whatever the bytes, only the two documented codes are thrown", () => {
    const bodies = [
      undefined,
      new Uint8Array(0),
      utf8("{"),
      utf8("{}"),
      utf8('{"specversion":2}'),
      Uint8Array.from([0xef, 0xbb, 0xbf]),
    ];
    const types = [
      undefined,
      "",
      "application/json",
      "application/cloudevents+json",
      "application/cloudevents-batch",
      "x",
      "text/plain",
    ];
    const attributeSets = [
      {},
      { specversion: "1.0" },
      { id: "" },
      { ...required },
      { ...required, id: "\ud800" },
    ];
    for (const body of bodies)
      for (const contentType of types)
        for (const attributes of attributeSets) {
          const code = codeOf(() => decode(incoming({ body, contentType, attributes })));
          expect([undefined, "CONTRACT_INVALID_EVENT", "CONTRACT_UNDECODABLE"]).toContain(code);
        }
  });
});

describe("reading the other mode unasked", () => {
  test("58. an event arrives the same from both modes", () => {
    const event = sealedEvent({ key: "k", subject: "s", extensions: { correlationid: "c" }, tenant: "acme" });
    const [one, other] = (["binary", "structured"] as const).map((mode) =>
      decode(arrived(encode(event, mode))),
    );
    expect({ ...one, mode: "" }).toEqual({ ...other, mode: "" });
  });
});
