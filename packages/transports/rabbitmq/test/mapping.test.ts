import type { ConsumeMessage } from "amqplib";
import { describe, expect, test } from "vitest";
import {
  attemptOf,
  fromNative,
  isRedelivered,
  toNative,
  toNativeCopy,
  toNativeLetter,
} from "../src/mapping.ts";
import { outgoing } from "./support/messages.ts";

/** A delivery as amqplib makes it. */
function native(parts: {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly content?: Buffer;
  readonly exchange?: string;
  readonly redelivered?: boolean;
}): ConsumeMessage {
  return {
    content: parts.content ?? Buffer.from("{}"),
    fields: {
      consumerTag: "t",
      deliveryTag: 7,
      redelivered: parts.redelivered ?? false,
      exchange: parts.exchange ?? "orders",
      routingKey: "3.x",
    },
    properties: { headers: { ...parts.headers }, ...parts.properties } as ConsumeMessage["properties"],
  };
}

const event = { specversion: "1.0", id: "1", source: "/s", type: "com.example.x.v1" };
const prefixed = (prefix: string, attributes: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value]));

describe("a message on its way out", () => {
  test("58. carries its attributes as headers, and repeats some in AMQP's own properties", () => {
    const message = outgoing("orders", { id: "e-1", key: "k", headers: { traceparent: "00-1" } });
    const { properties } = toNative(message, "cloudEvents:");
    expect(properties).toEqual({
      headers: { ...prefixed("cloudEvents:", message.attributes), traceparent: "00-1" },
      contentType: "application/json",
      deliveryMode: 2,
      messageId: "e-1",
      correlationId: undefined,
      timestamp: 1_767_323_045,
      type: message.type,
      appId: "/tests",
    });
  });

  test("leaves out a property that is too long for AMQP: the header has it", () => {
    const source = `/${"ä".repeat(200)}`;
    const attributes = { ...event, source };
    const { properties } = toNative(outgoing("orders", { attributes }), "cloudEvents:");
    expect(properties.appId).toBeUndefined();
    expect(properties.headers["cloudEvents:source"]).toBe(source);
  });

  test.each(["cloudEvents:", "cloudEvents_", "ce-"] as const)(
    "is read again as it was, with %s",
    (prefix) => {
      const message = outgoing("orders", { key: "k", headers: { "x-note": "kept" } });
      const { content, properties } = toNative(message, prefix);
      const read = fromNative(
        native({ content, headers: properties.headers, properties: { ...properties } }),
        "",
      );
      expect(read).toEqual({
        channel: "orders",
        key: "k",
        attributes: message.attributes,
        headers: { "x-note": "kept" },
        contentType: "application/json",
        body: message.body,
      });
    },
  );
});

describe("a message that came in", () => {
  test.each(["cloudEvents:", "cloudEvents_", "ce-", "CloudEvents:", "CE-"])(
    "58. is read with the prefix %s",
    (prefix) => {
      expect(fromNative(native({ headers: prefixed(prefix, event) }), "").attributes).toEqual(event);
    },
  );

  test("58. has one prefix, that of its specversion; what has another is a header", () => {
    const headers = { ...prefixed("cloudEvents_", event), "ce-id": "2" };
    const read = fromNative(native({ headers }), "");
    expect(read.attributes).toEqual(event);
    expect(read.headers).toEqual({ "ce-id": "2" });
  });

  test("61. without a specversion is no CloudEvent: all its headers stay headers", () => {
    const read = fromNative(native({ headers: { "ce-id": "%", "cloudEvents:time": "x" } }), "");
    expect(read.attributes).toEqual({});
    expect(read.headers).toEqual({ "ce-id": "%", "cloudEvents:time": "x" });
  });

  test("58. has its typed values as CloudEvents write them", () => {
    const typed = {
      ...event,
      sequence: 2_147_483_647,
      sampled: true,
      binary: Buffer.from([0xff, 0xfe]),
      text: Buffer.from("Grüße"),
      time: { "!": "timestamp", value: 1_767_323_045 },
      unset: null,
    };
    expect(fromNative(native({ headers: prefixed("cloudEvents:", typed) }), "").attributes).toEqual({
      ...event,
      sequence: "2147483647",
      sampled: "true",
      binary: "//4=",
      text: "Grüße",
      time: "2026-01-02T03:04:05.000Z",
    });
  });

  test("70. has text for each header, tables and lists too, and nothing that the broker added", () => {
    const headers = {
      table: { a: 1 },
      list: ["a", 2],
      nothing: null,
      "x-death": [{ count: 1 }],
      "x-first-death-queue": "q",
      "x-last-death-reason": "expired",
      "x-delivery-count": 2,
      "x-note": "kept",
    };
    expect(fromNative(native({ headers }), "").headers).toEqual({
      table: '{"a":1}',
      list: '["a",2]',
      nothing: "",
      "x-note": "kept",
    });
  });

  test("58. in structured mode has no attributes, whatever its headers repeat", () => {
    const properties = { contentType: "Application/CloudEvents+json; charset=utf-8" };
    const read = fromNative(native({ headers: prefixed("cloudEvents:", event), properties }), "");
    expect(read.attributes).toEqual({});
    expect(read.headers).toEqual({});
  });

  test("2. with an empty body has zero bytes, unless a header says that there are no data", () => {
    const none = toNative(outgoing("orders", { body: undefined }), "cloudEvents:");
    const bodyOf = (headers: unknown) =>
      fromNative(native({ content: Buffer.alloc(0), headers: headers as Record<string, unknown> }), "").body;
    expect(bodyOf(none.properties.headers)).toBeUndefined();
    expect(bodyOf({})).toEqual(Buffer.alloc(0));
  });

  test("has a key where it travels as partitionkey or beside it, and none where there was none", () => {
    const keyOf = (parts: Parameters<typeof outgoing>[1]) => {
      const { properties } = toNative(outgoing("orders", parts), "cloudEvents:");
      return fromNative(native({ headers: properties.headers }), "").key;
    };
    expect(keyOf({ key: "k" })).toBe("k");
    expect(keyOf({ key: "k", attributes: {} })).toBe("k");
    expect(keyOf({ key: "", attributes: {} })).toBe("");
    expect(keyOf({ attributes: { ...event, partitionkey: "p" } })).toBeUndefined();
  });
});

describe("a copy for another attempt", () => {
  const first = native({
    exchange: "blue.orders",
    headers: { ...prefixed("cloudEvents:", event), amount: 7, "x-death": [], "x-delivery-count": 1 },
    properties: { expiration: "1000", userId: "somebody", priority: 3, contentType: "text/plain" },
    content: Buffer.from("as it was"),
  });

  test("18. has the bytes, the headers with their types, its channel and the attempt", () => {
    const copy = toNativeCopy(first, 3, "blue.");
    expect(copy.content.toString()).toBe("as it was");
    expect(copy.properties).toMatchObject({ priority: 3, contentType: "text/plain", deliveryMode: 2 });
    expect(copy.properties.headers).toEqual({
      ...prefixed("cloudEvents:", event),
      amount: 7,
      "postrider-attempt": 3,
      "postrider-channel": "orders",
    });
  });

  test("does not expire, and needs no user: the one who publishes it now is another", () => {
    const { properties } = toNativeCopy(first, 3, "");
    expect([properties.expiration, properties.userId]).toEqual([undefined, undefined]);
  });

  test("22. counts on: its own attempt, and what the broker counted since", () => {
    const { properties } = toNativeCopy(first, 3, "");
    const again = native({ headers: { ...properties.headers, "x-delivery-count": 2 }, exchange: "" });
    expect(attemptOf(again)).toBe(5);
    expect(isRedelivered(again)).toBe(true);
    expect(fromNative(again, "").channel).toBe("blue.orders");
  });

  test.each([
    [{}, 1],
    [{ "postrider-attempt": "oops" }, 1],
    [{ "postrider-attempt": -1 }, 1],
    [{ "x-delivery-count": 2 }, 3],
  ])("counts from 1 where a header is missing or makes no sense: %o", (headers, attempt) => {
    expect(attemptOf(native({ headers }))).toBe(attempt);
  });
});

test("a dead letter tells its channel in a header, since it goes to the queue directly", () => {
  const { properties } = toNativeLetter(
    outgoing("orders", { headers: { "postrider-reason": "exhausted" } }),
    "ce-",
  );
  const read = fromNative(native({ exchange: "", headers: properties.headers }), "");
  expect(read.channel).toBe("orders");
  expect(read.headers).toEqual({ "postrider-reason": "exhausted" });
});
