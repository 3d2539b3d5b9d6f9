import { describe, expect, test } from "vitest";
import type { Entry } from "../src/amqp/job.ts";
import { judgeLoss } from "../src/amqp/loss.ts";
import { isAckTimeout, saidBy } from "../src/amqp/said.ts";
import { toTransportError } from "../src/errors.ts";

const closed = (replyCode: number, name: string, text: string): Error =>
  Object.assign(new Error(`Channel closed by server: ${replyCode} (${name}) with message "${text}"`), {
    code: replyCode,
  });

/** As RabbitMQ 3.10 says it, and the two last as later servers do. */
const recorded = {
  login: new Error(
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."',
  ),
  vhost: new Error("Expected ConnectionOpenOk; got <ConnectionClose channel:0>"),
  refused: Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" }),
  bothRefused: Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }),
  certificate: Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
  heartbeat: new Error("Heartbeat timeout"),
  ended: new Error("Channel ended, no reply will be forthcoming"),
  noExchange: closed(404, "NOT-FOUND", "NOT_FOUND - no exchange 'nope' in vhost '/'"),
  conflict: closed(
    406,
    "PRECONDITION-FAILED",
    "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' of type 'byte' but current is none",
  ),
  locked: closed(
    405,
    "RESOURCE-LOCKED",
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q'",
  ),
  tooLarge: closed(
    406,
    "PRECONDITION-FAILED",
    "PRECONDITION_FAILED - message size 146800640 is larger than configured max size 134217728",
  ),
  ackTimeout: closed(
    406,
    "PRECONDITION-FAILED",
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms. This timeout value can be configured, see consumers doc guide to learn more",
  ),
  internal: closed(541, "INTERNAL-ERROR", "INTERNAL_ERROR"),
};

describe("what amqplib throws", () => {
  test.each([
    ["login", "TRANSPORT_ACCESS_REFUSED", false],
    ["vhost", "TRANSPORT_ACCESS_REFUSED", false],
    ["refused", "TRANSPORT_UNAVAILABLE", true],
    ["bothRefused", "TRANSPORT_UNAVAILABLE", true],
    ["certificate", "TRANSPORT_FAILED", false],
    ["heartbeat", "TRANSPORT_UNAVAILABLE", true],
    ["ended", "TRANSPORT_UNAVAILABLE", true],
    ["noExchange", "TRANSPORT_CHANNEL_MISSING", false],
    ["conflict", "TRANSPORT_TOPOLOGY_CONFLICT", false],
    ["locked", "TRANSPORT_TOPOLOGY_CONFLICT", false],
    ["tooLarge", "TRANSPORT_TOO_LARGE", false],
    ["internal", "TRANSPORT_FAILED", true],
  ] as const)("becomes an error with a code: %s is %s", (name, code, retryable) => {
    const error = toTransportError(recorded[name], "It failed");
    expect([error.code, error.retryable]).toEqual([code, retryable]);
    expect(error.message).toMatch(/^It failed: .{5}/);
    expect(error.cause).toBe(recorded[name]);
  });

  test("names what differs in a conflict, and what to do", () => {
    expect(toTransportError(recorded.conflict, "The queue 'q' is not to be had").message).toBe(
      "The queue 'q' is not to be had: the queue 'q' exists with another 'x-message-ttl' (asked for the value '5' of type " +
        "'byte', the broker has none). Delete it when it is empty, or set the option that differs, or use topology: \"check\"",
    );
  });

  test("is told from a delivery that was held too long", () => {
    expect(isAckTimeout(saidBy(recorded.ackTimeout))).toBe(true);
    expect(isAckTimeout(saidBy(recorded.conflict))).toBe(false);
  });
});

describe("who is at fault that a channel was closed", () => {
  const entry = (exchange: string, bytes = 10): Entry => ({
    job: {
      entries: [],
      expiresAtMs: 0,
      settled: Promise.resolve(),
      finish: () => undefined,
      endIfBroken: () => undefined,
      give: () => undefined,
    },
    index: 0,
    parcel: { exchange, routingKey: "k", content: Buffer.alloc(bytes), properties: {} },
    sent: true,
    returned: undefined,
    done: false,
  });
  const asking = { missingExchange: "ask", alone: "innocent" } as const;
  const [small, large, other] = [entry("a"), entry("a", 200), entry("b")];

  test("is what the broker finds too large, and nothing else", () => {
    const failure = closed(
      406,
      "PRECONDITION-FAILED",
      "message size 200 is larger than configured max size 100",
    );
    const { blame } = judgeLoss(failure, [small, large, other], asking);
    expect(blame.map((one) => one.entry)).toEqual([large]);
    expect(blame[0]?.outcome).toMatchObject({ status: "rejected", scope: "message" });
  });

  test("is what goes to a missing exchange, unless it may be made", () => {
    const failure = closed(404, "NOT-FOUND", "NOT_FOUND - no exchange 'b' in vhost '/'");
    expect(judgeLoss(failure, [small, other], asking)).toEqual({ blame: [], forget: ["b"] });
    expect(
      judgeLoss(failure, [small, other], { ...asking, missingExchange: "refuse" }).blame.map(
        (one) => one.entry,
      ),
    ).toEqual([other]);
  });

  test("is what goes to an exchange that may not be written to", () => {
    const failure = closed(
      403,
      "ACCESS-REFUSED",
      "ACCESS_REFUSED - access to exchange 'a' in vhost '/' refused",
    );
    expect(judgeLoss(failure, [small, other], asking).blame.map((one) => one.entry)).toEqual([small]);
  });

  test("is nobody as long as it can be several, and at last the one that was alone, whose outcome is unknown", () => {
    const guilty = { ...asking, alone: "guilty" } as const;
    expect(judgeLoss(recorded.internal, [small, other], guilty)).toEqual({ blame: [], forget: [] });
    expect(judgeLoss(recorded.internal, [small], asking)).toEqual({ blame: [], forget: [] });
    expect(judgeLoss(recorded.internal, [small], guilty).blame).toMatchObject([
      { entry: small, outcome: { status: "unknown", scope: "message" } },
    ]);
  });
});
