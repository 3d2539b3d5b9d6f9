import { describe, expect, test } from "vitest";
import { isAccessRefused, isMissing, toTransportError } from "../src/errors.ts";
import { isFull } from "../src/streams/said.ts";

const coded = (code: string): Error => Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });

/** As Redis 7.0 and ioredis 6.0 say it. */
const recorded: readonly (readonly [said: unknown, code: string, retryable: boolean])[] = [
  [new Error("OOM command not allowed when used memory > 'maxmemory'."), "TRANSPORT_FULL", true],
  [
    new Error(
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    ),
    "TRANSPORT_FULL",
    true,
  ],
  [new Error("READONLY You can't write against a read only replica."), "TRANSPORT_UNAVAILABLE", true],
  [new Error("LOADING Redis is loading the dataset in memory"), "TRANSPORT_UNAVAILABLE", true],
  [new Error("NOSCRIPT No matching script. Please use EVAL."), "TRANSPORT_UNAVAILABLE", true],
  [new Error("NOAUTH Authentication required."), "TRANSPORT_ACCESS_REFUSED", false],
  [
    new Error("WRONGPASS invalid username-password pair or user is disabled."),
    "TRANSPORT_ACCESS_REFUSED",
    false,
  ],
  [
    new Error("NOPERM this user has no permissions to run the 'xadd' command"),
    "TRANSPORT_ACCESS_REFUSED",
    false,
  ],
  [
    new Error("WRONGTYPE Operation against a key holding the wrong kind of value"),
    "TRANSPORT_TOPOLOGY_CONFLICT",
    false,
  ],
  [new Error("MOVED 3999 127.0.0.1:6381"), "TRANSPORT_TOPOLOGY_CONFLICT", false],
  [
    new Error("NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"),
    "TRANSPORT_CHANNEL_MISSING",
    false,
  ],
  [new Error("UNBLOCKED the stream key no longer exists"), "TRANSPORT_CHANNEL_MISSING", false],
  [coded("ECONNREFUSED"), "TRANSPORT_UNAVAILABLE", true],
  [Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }), "TRANSPORT_UNAVAILABLE", true],
  [new Error("Connection is closed."), "TRANSPORT_UNAVAILABLE", true],
  [
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    "TRANSPORT_UNAVAILABLE",
    true,
  ],
  [
    Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    "TRANSPORT_FAILED",
    false,
  ],
  [new Error("ERR something new"), "TRANSPORT_FAILED", true],
  ["no error at all", "TRANSPORT_FAILED", true],
];

describe("what the server and the client say", () => {
  test.each(recorded)("%s has a code", (said, code, retryable) => {
    const error = toTransportError(said, "It cannot be done");
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toMatch(/^It cannot be done: ./);
  });

  test("is told apart where that decides something", () => {
    const of = (judge: (thrown: unknown) => boolean) =>
      recorded.filter(([said]) => judge(said)).map(([said]) => String(said).split(" ")[1]);
    expect(of(isFull)).toEqual(["OOM", "MISCONF"]);
    expect(of(isMissing)).toEqual(["NOGROUP", "UNBLOCKED"]);
    expect(of(isAccessRefused)).toEqual(["NOAUTH", "WRONGPASS", "NOPERM"]);
  });

  test("an error of ours stays itself, and none carries the command that failed", () => {
    const own = toTransportError(new Error("OOM command not allowed"), "What");
    expect(toTransportError(own, "Other")).toBe(own);
    const failed = Object.assign(new Error("ERR no"), {
      command: { name: "evalsha", args: [Buffer.from("payload"), "secret"] },
    });
    const { cause } = toTransportError(failed, "What");
    expect(cause).toMatchObject({ message: "ERR no" });
    expect(cause).not.toHaveProperty("command");
  });
});
