import { OptionsError } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { redis, type RedisOptions, transport } from "../src/index.ts";
import { resolveOptions } from "../src/options.ts";
import { parseAddress } from "../src/streams/address.ts";

const problemsOf = (options: unknown): readonly string[] => {
  try {
    resolveOptions(options as RedisOptions);
    return [];
  } catch (error) {
    if (error instanceof OptionsError) return error.problems;
    throw error;
  }
};

describe("options", () => {
  test("may all be left out", () => {
    const { address, partitions, topology, leaseMs, retainMs } = resolveOptions({});
    expect(address).toEqual({
      secure: false,
      hosts: [{ hostname: "localhost", port: 6379 }],
      username: undefined,
      password: undefined,
      database: 0,
    });
    expect([partitions, topology, leaseMs, retainMs]).toEqual([8, "declare", 30_000, 3_600_000]);
  });

  test("that are wrong are told all together, with names that nobody knows", () => {
    const wrong = {
      url: "http://x",
      tls: {},
      connectionName: "two words",
      heartbeatMs: 1,
      partitions: 3,
      topology: "maybe",
      maxMessageBytes: 0,
      leaseMs: "long",
      retainMs: -1,
      namePrefix: "a{b",
      prefetch: 10,
    };
    const problems = problemsOf(wrong);
    for (const name of Object.keys(wrong))
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
  });

  test("that are no object are refused as a whole", () => {
    expect(problemsOf("redis://x")).toHaveLength(1);
    expect(() => redis({ partitions: 5 as 4 })).toThrow(OptionsError);
  });

  test("of a driver give way to the URL", () => {
    expect(transport.schemes).toEqual(["redis", "rediss"]);
    const made = transport.create({
      url: "redis://one",
      options: { url: "redis://two", maxMessageBytes: 5 },
      clock: { now: Date.now, monotonicMs: () => 0, schedule: () => () => undefined },
    });
    expect(made.capabilities.maxMessageBytes).toBe(5);
  });
});

describe("an address", () => {
  const parse = (url: string) => {
    const problems: string[] = [];
    return { address: parseAddress(url, problems), problems };
  };

  test("names several hosts, an account and a database", () => {
    const { address, problems } = parse("rediss://u%40:p%3A%2F@one:1,two,[::1]:3/7");
    expect(problems).toEqual([]);
    expect(address).toEqual({
      secure: true,
      hosts: [
        { hostname: "one", port: 1 },
        { hostname: "two", port: 6379 },
        { hostname: "::1", port: 3 },
      ],
      username: "u@",
      password: "p:/",
      database: 7,
    });
  });

  test("may have a password without a user", () => {
    expect(parse("redis://:secret@one").address).toMatchObject({ username: undefined, password: "secret" });
  });

  test.each([
    "redis://secret:secret@h:0",
    "redis://u:secret%@h",
    "redis://u:secret@h?db=1",
    "redis://u:secret@h/x",
    "secret",
  ])("%s is refused, and no problem holds a password", (url) => {
    const { problems } = parse(url);
    expect(problems).not.toEqual([]);
    expect(problems.join(" ")).not.toContain("secret");
  });
});
