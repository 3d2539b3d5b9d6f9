import { describe, expect, test } from "vitest";
import { decode } from "../../src/envelope/decode.ts";
import type { ForeignMapper } from "../../src/envelope/foreign.ts";
import { coded, incoming, problemsOf, refusal, textOf, utf8 } from "./given.ts";

const legacy: ForeignMapper = ({ body, headers }) => {
  if (headers["x-app"] !== "legacy") return undefined;
  const order = JSON.parse(textOf(body)) as { no: string; at: string };
  return {
    type: "com.acme.legacy.order.v1",
    id: order.no,
    source: "/legacy",
    data: order,
    time: order.at,
    key: order.no,
    extensions: { correlationid: "c", region: "eu" },
  };
};
const order = { no: "7", at: "2026-01-01T00:00:00Z" };
const message = incoming({
  headers: { "x-app": "legacy" },
  body: utf8(JSON.stringify(order)),
  key: "broker",
});

describe("messages of foreign producers", () => {
  test("61. plain JSON is accepted through a mapper", () => {
    const decoded = decode(message, legacy);
    expect(decoded).toMatchObject({ mode: "foreign", key: "7", tenant: undefined, payload: message.body });
    expect(decoded.message).toEqual({
      specversion: "1.0",
      type: "com.acme.legacy.order.v1",
      id: "7",
      source: "/legacy",
      time: "2026-01-01T00:00:00Z",
      partitionkey: "7",
      correlationid: "c",
      data: order,
    });
    expect({ ...decoded.extensions }).toEqual({ region: "eu" });
  });

  test("61. a CloudEvent is not shown to the mapper", () => {
    const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t" };
    const never: ForeignMapper = () => expect.fail("the mapper was asked");
    expect(decode(incoming({ attributes }), never).mode).toBe("binary");
    expect(decode(incoming({ body: utf8(JSON.stringify(attributes)) }), never).mode).toBe("structured");
  });

  test("61. what the mapper does not know is undecodable", () => {
    expect(() => decode(incoming({ body: utf8("{}") }), legacy)).toThrow(coded("CONTRACT_UNDECODABLE"));
  });

  test("61. a mapper that throws makes the message undecodable, with the cause", () => {
    const error = refusal(() => decode({ ...message, body: utf8("{") }, legacy), "CONTRACT_UNDECODABLE");
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  test("61. what the mapper makes is checked like any event", () => {
    const wrong: ForeignMapper = () => ({
      type: "",
      id: 7 as never,
      source: "a b",
      data: 1,
      extensions: { Bad: "x" },
    });
    const error = refusal(() => decode(message, wrong), "CONTRACT_INVALID_EVENT");
    expect(problemsOf(error)).toHaveLength(4);
    expect(error.message).toContain("mapper");
  });
});
