import { OptionsError } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../src/amqp/address.ts";
import { retryDelays, tierOf } from "../src/amqp/tiers.ts";
import { rabbitmq, transport, type RabbitmqOptions } from "../src/index.ts";
import { resolveOptions } from "../src/options.ts";

const problemsOf = (options: unknown): readonly string[] => {
  try {
    resolveOptions(options as RabbitmqOptions);
    return [];
  } catch (error) {
    if (error instanceof OptionsError) return error.problems;
    throw error;
  }
};

describe("options", () => {
  test("may all be left out", () => {
    const { address, partitions, topology, unroutable } = resolveOptions({});
    expect(address).toEqual({
      secure: false,
      hosts: [{ hostname: "localhost", port: 5672 }],
      username: "guest",
      password: "guest",
      vhost: "/",
    });
    expect([partitions, topology, unroutable]).toEqual([8, "declare", "reject"]);
  });

  test("that are wrong are told all together, with names that nobody knows", () => {
    const wrong = {
      url: "http://x",
      heartbeatMs: 1_500,
      partitions: 3,
      topology: "maybe",
      maxMessageBytes: 0,
      retryDelaysMs: [100, 50],
      namePrefix: "x".repeat(61),
      prefetch: 10,
      tls: {},
    };
    expect(problemsOf(wrong).map((problem) => problem.split(":")[0])).toEqual([
      "prefetch",
      "heartbeatMs",
      "maxMessageBytes",
      "topology",
      "partitions",
      "retryDelaysMs",
      "namePrefix",
      "url",
      "tls",
    ]);
    expect(() => rabbitmq(wrong as unknown as RabbitmqOptions)).toThrow(OptionsError);
  });

  test.each([null, "amqp://localhost", []])("must be an object, not %o", (options) => {
    expect(problemsOf(options)).toEqual(["options: must be an object"]);
  });
});

describe("a URL", () => {
  const parse = (url: string) => {
    const problems: string[] = [];
    return { ...parseAddress(url, problems), problems };
  };

  test("names several hosts, an account and a vhost, with percent signs decoded", () => {
    expect(parse("amqps://an%40na:p%3Aw@one,two:5673,[::1]:5/my%2Fhost")).toEqual({
      secure: true,
      hosts: [
        { hostname: "one", port: 5671 },
        { hostname: "two", port: 5673 },
        { hostname: "::1", port: 5 },
      ],
      username: "an@na",
      password: "p:w",
      vhost: "my/host",
      problems: [],
    });
  });

  test.each([
    "amqp://h/%",
    "amqp://a:%zz@h",
    "amqp://h:0",
    "amqp://h:70000",
    "amqp://h:x",
    "amqp://h/v?heartbeat=1",
    "h:5672",
  ])("is refused when it is wrong, without its password in the message: %s", (url) => {
    const { problems } = parse(url);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("%zz");
  });

  test("with a port that cannot be is told the range", () => {
    expect(parse("amqp://h:65535").problems).toEqual([]);
    expect(parse("amqp://h:65536").problems).toEqual([
      "url: a host must look like name:5672, with a port from 1 to 65535",
    ]);
  });
});

describe("tiers of delays", () => {
  test("are at most 28 % apart, so that a retry waits hardly longer than it asked for", () => {
    const tiers = retryDelays();
    expect([tiers[0], tiers.at(-1), tiers.length]).toEqual([100, 100_000_000, 61]);
    for (const [index, tierMs] of tiers.slice(1).entries())
      expect(tierMs / (tiers[index] ?? 0)).toBeLessThanOrEqual(1.28);
  });

  test("are rounded up to, never down", () => {
    expect([
      tierOf(1, [100, 200]),
      tierOf(100, [100, 200]),
      tierOf(101, [100, 200]),
      tierOf(201, [100, 200]),
    ]).toEqual([100, 100, 200, undefined]);
  });
});

test("the driver makes a transport of a URL and options, for the schemes of AMQP", () => {
  expect([transport.kind, transport.schemes]).toEqual(["rabbitmq", ["amqp", "amqps"]]);
  const clock = { now: () => 0, monotonicMs: () => 0, schedule: () => () => undefined };
  const made = transport.create({ url: "amqp://h", options: { maxMessageBytes: 1_000 }, clock });
  expect([made.kind, made.capabilities.maxMessageBytes, made.state()]).toEqual(["rabbitmq", 1_000, "closed"]);
  expect(() => transport.create({ url: "amqp://h:x", options: undefined, clock })).toThrow(OptionsError);
});
