import { describe, expect, test } from "vitest";
import {
  attemptOf,
  fromNative,
  isRedelivered,
  type NativeMessage,
  toNative,
  toNativeCopy,
  toNativeLetter,
} from "../src/mapping.ts";
import type { StreamEntry } from "../src/streams/entry.ts";
import { outgoing } from "./support/messages.ts";

const entryOf = ({ fields }: NativeMessage, deliveries = 1): StreamEntry => ({
  id: "1-1",
  fields: fields.map((field) => Buffer.from(field)),
  deliveries,
});
const raw = (fields: Readonly<Record<string, string | Buffer>>): StreamEntry =>
  entryOf({ fields: Object.entries(fields).flat() });
const read = (entry: StreamEntry) => fromNative(entry, "orders");
const event = { specversion: "1.0", id: "1", source: "/tests", type: "com.example.t.v1" };

describe("a message on its way out", () => {
  test("58. has its attributes as ce_ fields, its media type, its headers by their names, and its bytes", () => {
    const message = outgoing("orders", {
      key: "k",
      headers: { traceparent: "00-1" },
      attributes: { ...event, partitionkey: "k" },
    });
    const { fields } = toNative(message);
    expect(fields.map(String)).toEqual([
      ...["ce_specversion", "1.0", "ce_id", "1", "ce_source", "/tests", "ce_type", "com.example.t.v1"],
      ...["ce_partitionkey", "k", "traceparent", "00-1", "content-type", "application/json"],
      ...["data", String(message.body)],
    ]);
  });

  test("comes back as it was, also with headers that are named like something else", () => {
    const headers = {
      data: "1",
      "content-type": "2",
      ce_id: "3",
      "header:x": "4",
      "postrider-attempt": "5",
      "X-Case": "6",
      "x-case": "7",
      empty: "",
    };
    const message = outgoing("orders", { headers, key: "k" });
    const { attributes, headers: back, body, contentType, key, channel } = read(entryOf(toNative(message)));
    expect({ attributes, headers: back, contentType, key, channel }).toEqual({
      attributes: message.attributes,
      headers,
      contentType: "application/json",
      key: "k",
      channel: "orders",
    });
    expect(body).toEqual(message.body);
  });

  test("2. without data is not with zero bytes, and an entry is never without fields", () => {
    const none = { attributes: {}, contentType: undefined, body: undefined };
    expect(read(entryOf(toNative(outgoing("orders", none)))).body).toBeUndefined();
    expect(toNative(outgoing("orders", none)).fields.length).toBeGreaterThan(0);
    expect(read(entryOf(toNative(outgoing("orders", { body: new Uint8Array(0) })))).body).toEqual(
      Buffer.alloc(0),
    );
  });

  test("has a key where it travels as partitionkey or beside it, and none where there was none", () => {
    const keyOf = (parts: Parameters<typeof outgoing>[1]) =>
      read(entryOf(toNative(outgoing("orders", parts)))).key;
    expect(keyOf({ key: "k" })).toBe("k");
    expect(keyOf({ key: "k", attributes: {} })).toBe("k");
    expect(keyOf({ key: "", attributes: {} })).toBe("");
    expect(keyOf({ attributes: { ...event, partitionkey: "p" } })).toBeUndefined();
  });
});

describe("an entry of another producer", () => {
  test("61. without a version has no attributes, and all its fields as headers", () => {
    const { attributes, headers, body } = read(raw({ ce_id: "%", note: "n", data: "{}" }));
    expect([attributes, headers, String(body)]).toEqual([{}, { ce_id: "%", note: "n" }, "{}"]);
  });

  test("58. in structured mode has no attributes, whatever its fields repeat", () => {
    const { attributes, headers } = read(
      raw({ ce_specversion: "1.0", ce_id: "1", "content-type": "Application/CloudEvents+json", data: "{}" }),
    );
    expect([attributes, headers]).toEqual([{}, {}]);
  });

  test("70. may hold bytes that are no text: they are told in base64", () => {
    expect(read(raw({ odd: Buffer.from([0xff, 0xc3, 0x28]) })).headers).toEqual({ odd: "/8Mo" });
  });

  test("23. is not changed by what is done to its body", () => {
    const entry = raw({ data: "abc" });
    read(entry).body?.fill(0);
    expect(String(read(entry).body)).toBe("abc");
  });
});

describe("attempts", () => {
  const first = entryOf(toNative(outgoing("orders")));

  test("18. a copy is the same message with its attempt and its channel, and one copy of these only", () => {
    const second = entryOf(toNativeCopy(first, 2, "orders"));
    const third = entryOf(toNativeCopy(second, 3, "elsewhere"));
    expect([first, second, third].map(attemptOf)).toEqual([1, 2, 3]);
    expect([first, second, third].map(isRedelivered)).toEqual([false, true, true]);
    expect(read(third)).toEqual(read(first));
    expect(third.fields.length).toBe(second.fields.length);
  });

  test("21. deliveries that came to nothing count", () => {
    const entry = { ...first, deliveries: 3 };
    expect([attemptOf(entry), isRedelivered(entry)]).toEqual([3, true]);
    expect(attemptOf({ ...entryOf(toNativeCopy(first, 4, "orders")), deliveries: 2 })).toBe(5);
  });

  test("what was given back to its place is flagged, and not counted", () => {
    const entry = { ...first, returned: true };
    expect([attemptOf(entry), isRedelivered(entry)]).toEqual([1, true]);
  });

  test.each(["", "-1", "x", "1.5", "99999999999999999999"])("a noted attempt of '%s' is none", (noted) => {
    expect(attemptOf(raw({ "postrider-attempt": noted, data: "" }))).toBe(1);
  });

  test("a dead letter tells the channel it was published to", () => {
    expect(fromNative(entryOf(toNativeLetter(outgoing("orders"))), "dead").channel).toBe("orders");
  });
});
