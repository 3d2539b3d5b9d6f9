import { describe, expect, test } from "vitest";
import type { DeadLetter, DeadLetterError } from "../../src/contracts/dead-letter.ts";
import { errorLimits } from "../../src/envelope/dead-letter-errors.ts";
import { deadLetterHeaders, decodeDeadLetter, encodeDeadLetter } from "../../src/envelope/dead-letter.ts";
import { cutText, headerText, textOfHeader } from "../../src/envelope/header-text.ts";
import { isInternalHeader, withoutInternalHeaders } from "../../src/envelope/internal-headers.ts";
import { coded, arrived, incoming, refusal, utf8 } from "./given.ts";

const letter: DeadLetter = {
  reason: "exhausted",
  consumer: "shipping",
  attempts: 8,
  errors: [
    { name: "MessagingError", code: "HANDLER_FAILED", message: "The handler threw", stack: "at handler" },
    { name: "TypeError", code: undefined, message: "Größe ist undefined", stack: undefined },
  ],
  firstFailedAt: "2026-03-01T10:20:30.456Z",
  deadLetteredAt: "2026-03-01T10:21:00.000Z",
  origin: { partition: 3, offset: "812" },
  message: incoming({
    attributes: { specversion: "1.0", id: "1", source: "/s", type: "com.acme.orders.order-placed.v1" },
    headers: {
      traceparent: "00-aa-bb-01",
      "x-team": "ä",
      "postrider-attempt": "8",
      "postrider-dead-letter-reason": "stale",
    },
    contentType: "application/json",
    body: utf8("{}"),
    key: "Kunde 1 ",
  }),
};

describe("a dead letter on the wire", () => {
  test("leaves attributes, content type and body untouched, and tells why in headers", () => {
    const sent = encodeDeadLetter(letter);
    expect(sent.attributes).toBe(letter.message.attributes);
    expect(sent.body).toBe(letter.message.body);
    expect(sent).toMatchObject({
      contentType: "application/json",
      type: "com.acme.orders.order-placed.v1",
      key: "Kunde 1 ",
    });
    expect(sent.headers).toEqual({
      traceparent: "00-aa-bb-01",
      "x-team": "ä",
      "postrider-dead-letter-reason": "exhausted",
      "postrider-dead-letter-consumer": "shipping",
      "postrider-dead-letter-attempts": "8",
      "postrider-dead-letter-errors":
        '[{"name":"MessagingError","code":"HANDLER_FAILED","message":"The handler threw","stack":"at handler"},' +
        '{"name":"TypeError","message":"Gr\\u00f6\\u00dfe ist undefined"}]',
      "postrider-dead-letter-first-failed-at": "2026-03-01T10:20:30.456Z",
      "postrider-dead-letter-at": "2026-03-01T10:21:00.000Z",
      "postrider-dead-letter-origin": '{"partition":3,"offset":"812"}',
      "postrider-dead-letter-channel": "com.acme.orders",
      "postrider-dead-letter-key": "Kunde 1\\u0020",
    });
  });

  test("raw bytes without any attribute are carried as they are", () => {
    const raw = {
      ...letter,
      reason: "undecodable" as const,
      message: incoming({ body: Uint8Array.from([0, 255]) }),
    };
    const sent = encodeDeadLetter(raw, "dead");
    expect(sent).toMatchObject({ attributes: {}, contentType: undefined, type: "unknown", key: undefined });
    expect(decodeDeadLetter(arrived(sent))).toEqual(raw);
  });

  test("the same letter has the same message id, a letter of a later attempt another", () => {
    const id = (changes: Partial<DeadLetter>) => encodeDeadLetter({ ...letter, ...changes }).messageId;
    expect(id({})).toBe(id({}));
    const others = [
      id({}),
      id({ deadLetteredAt: "2026-03-01T10:22:00.000Z" }),
      id({ consumer: "billing" }),
      id({ origin: { partition: 3, offset: "813" } }),
      id({ message: { ...letter.message, body: utf8("[]") } }),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  test("its size counts what was added", () => {
    const sent = encodeDeadLetter(letter);
    const entries = [...Object.entries(sent.attributes), ...Object.entries(sent.headers)].flat();
    expect(sent.sizeBytes).toBe(Buffer.byteLength([...entries, "application/json"].join("")) + 2);
  });

  test.each(Object.entries(deadLetterHeaders).filter(([name]) => name !== "key"))(
    "without the header of %s it is no dead letter, which the error says",
    (_, header) => {
      const sent = arrived(encodeDeadLetter(letter));
      const { [header]: gone, ...headers } = sent.headers;
      expect(gone).toBeDefined();
      expect(refusal(() => decodeDeadLetter({ ...sent, headers }), "CONTRACT_UNDECODABLE").message).toContain(
        header,
      );
    },
  );

  test.each([
    ["reason", "because"],
    ["attempts", "-1"],
    ["attempts", "1e9"],
    ["errors", "[1]"],
    ["errors", "{"],
    ["errors", "{}"],
    ["origin", "[]"],
    ["origin", "null"],
    ["consumer", 'a"b'],
  ] as const)("a malformed %s %j is refused", (name, value) => {
    const sent = arrived(encodeDeadLetter(letter));
    const headers = { ...sent.headers, [deadLetterHeaders[name]]: value };
    expect(() => decodeDeadLetter({ ...sent, headers })).toThrow(coded("CONTRACT_UNDECODABLE"));
  });
});

describe("the bounds of a dead letter", () => {
  const worst = (text: string): DeadLetterError => ({ name: text, code: text, message: text, stack: text });
  const bytesOf = (headers: Readonly<Record<string, string>>) =>
    Object.entries(headers).reduce(
      (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
      0,
    );

  test.each([
    ["ASCII", "x"],
    ["text that is escaped", "日"],
    ["quotes", '"'],
    ["control characters", "\u0000"],
    ["astral", "😀"],
  ])("all headers together stay below 16 KiB: %s", (_, character) => {
    const long = character.repeat(50_000);
    const sent = encodeDeadLetter({
      ...letter,
      consumer: long,
      errors: Array.from({ length: 30 }, () => worst(long)),
      firstFailedAt: long,
      deadLetteredAt: long,
      origin: Object.fromEntries(Array.from({ length: 50 }, (unused, n) => [`${n}${long}`, long])),
      message: incoming({ channel: long, key: long, body: utf8("x") }),
    });
    expect(bytesOf(sent.headers)).toBeLessThan(16 * 1024);
    expect(Buffer.byteLength(sent.headers[deadLetterHeaders.errors] ?? "")).toBeLessThanOrEqual(
      errorLimits.totalBytes,
    );
    const back = decodeDeadLetter(arrived(sent));
    expect(back.errors).toHaveLength(8);
    expect(back.errors.every(({ message }) => message.endsWith("..."))).toBe(true);
    expect(back.errors[0]?.stack).toMatch(/\.\.\.$/);
    expect(back.message.key).toBe(long); // from the broker's own key
  });

  test("the first stacks are kept when not all fit", () => {
    const errors = Array.from({ length: 8 }, (_, n) => ({
      name: "E",
      code: undefined,
      message: "m",
      stack: `${n}`.repeat(4_000),
    }));
    const back = decodeDeadLetter(arrived(encodeDeadLetter({ ...letter, errors })));
    expect(back.errors.slice(0, 2).map(({ stack }) => stack?.length)).toEqual([4_000, 4_000]);
    expect(back.errors[7]?.stack).toBeUndefined();
  });

  test("entries of the origin that fit are kept whole", () => {
    const origin = { partition: 1, offset: 2, cursor: "x".repeat(5_000) };
    expect(decodeDeadLetter(arrived(encodeDeadLetter({ ...letter, origin }))).origin).toEqual({
      partition: 1,
      offset: 2,
    });
  });

  test("text is cut between characters, with an ellipsis inside the bound", () => {
    expect(cutText("abcdef", 6)).toBe("abcdef");
    expect(cutText("abcdefg", 6)).toBe("abc...");
    expect(cutText("ab😀cd", 14)).toBe("ab...");
    expect(cutText("ab😀cd", 16)).toBe("ab😀cd");
  });
});

describe("header text", () => {
  test.each([
    "",
    "plain text",
    " both ends ",
    " ",
    'quote " and \\ backslash',
    "日本 😀",
    "\ud800",
    "\r\n\u0000\u007f",
    "a\u2028b",
  ])("%j is given back exactly", (text) => {
    expect(textOfHeader(headerText(text))).toBe(text);
    expect(headerText(text)).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
  });
});

describe("internal headers", () => {
  test("63. headers of a hop of ours do not travel on, in any case; all others do", () => {
    const headers = {
      "postrider-attempt": "2",
      "Postrider-Delay": "5",
      "x-postrider-": "a",
      postrider: "b",
      traceparent: "c",
    };
    expect(withoutInternalHeaders(headers)).toEqual({
      "x-postrider-": "a",
      postrider: "b",
      traceparent: "c",
    });
    expect(isInternalHeader("POSTRIDER-x")).toBe(true);
  });

  test("63. a dead letter that is replayed carries nothing of its hop", () => {
    const back = decodeDeadLetter(arrived(encodeDeadLetter(letter)));
    expect(back.message.headers).toEqual({ traceparent: "00-aa-bb-01", "x-team": "ä" });
  });
});
