import { describe, expect, test } from "vitest";
import {
  bindingKeys,
  createNames,
  problemsOfChannel,
  problemsOfGroup,
  routingKey,
  shardsOf,
} from "../src/amqp/names.ts";

describe("names at the broker", () => {
  test("are the scheme that the README tells, with the prefix in front", () => {
    const names = createNames("blue.");
    const queue = names.queue("billing");
    expect([
      names.exchange("orders"),
      queue,
      names.part("billing", 3, 8),
      names.each("billing", "id"),
      names.deadLetters("billing"),
      names.wait(queue, 1_000),
      names.members("billing"),
    ]).toEqual([
      "blue.orders",
      "blue.billing",
      "blue.billing:3of8",
      "blue.billing:each:id",
      "blue.billing:dead",
      "blue.billing:wait:1000",
      "blue.billing:members",
    ]);
  });

  test("have at most 255 bytes whatever is put behind a group", () => {
    const longest = "ä".repeat(97);
    expect(problemsOfGroup(longest, "")).toEqual([]);
    const names = createNames("");
    const each = names.each(longest, "0".repeat(36));
    for (const name of [names.wait(each, 1), names.part(longest, 15, 16), names.members(longest)])
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(problemsOfGroup("ä".repeat(98), "")[0]).toContain("at most 195 bytes");
  });

  test("must not be those that RabbitMQ keeps, nor empty", () => {
    expect(problemsOfGroup("", "")).toEqual(["group: must not be empty"]);
    expect(problemsOfGroup("amq.x", "")[0]).toContain("amq.");
    expect(problemsOfChannel("", "")).toEqual(["channels: a name must not be empty"]);
    expect(problemsOfChannel("amq.topic", "")[0]).toContain("amq.");
    expect(problemsOfChannel("x".repeat(256), "")[0]).toContain("255 bytes");
  });
});

describe("routing", () => {
  test("goes by shard and type", () => {
    expect(routingKey(3, "com.example.x.v1")).toBe("3.com.example.x.v1");
  });

  test("without order takes all shards: all types by #, which takes foreign routing keys too", () => {
    expect(bindingKeys(undefined, "all")).toEqual(["#"]);
    expect(bindingKeys(undefined, ["a.b", "c"])).toEqual(["*.a.b", "*.c"]);
  });

  test("with order takes the shards of one queue", () => {
    expect(bindingKeys([1, 9], "all")).toEqual(["1.#", "9.#"]);
    expect(bindingKeys([1, 9], ["a"])).toEqual(["1.a", "9.a"]);
  });

  test.each([1, 2, 4, 8, 16])("deals the 16 shards out to %i queues, each to one", (parts) => {
    const dealt = Array.from({ length: parts }, (_, index) => shardsOf(index, parts));
    expect(dealt.flat().toSorted((a, b) => a - b)).toEqual([...Array(16).keys()]);
    expect(new Set(dealt.map((shards) => shards.length)).size).toBe(1);
  });
});
