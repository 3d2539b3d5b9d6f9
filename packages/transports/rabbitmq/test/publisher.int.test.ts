import type { OutgoingMessage, PublishOutcome } from "@postrider/core";
import type { ChannelModel } from "amqplib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RabbitmqTransport } from "../src/index.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";

const bounds = { deadlineMs: 10_000 };
const say = (outcomes: readonly PublishOutcome[]) =>
  outcomes.map((one) =>
    one.status === "confirmed" ? one.status : `${one.status} ${one.scope} ${one.error.code}`,
  );

describe("publishing to RabbitMQ", () => {
  let broker: TestBroker;
  let raw: ChannelModel;
  beforeAll(async () => {
    broker = await createBroker();
    raw = await broker.raw();
  });
  afterAll(() => broker.remove());

  /** An exchange with a queue that gets all of it. */
  const sink = async (channel: string): Promise<string> => {
    const admin = await raw.createChannel();
    await admin.assertExchange(channel, "topic");
    await admin.assertQueue(`sink:${channel}`, { arguments: { "x-queue-type": "quorum" } });
    await admin.bindQueue(`sink:${channel}`, channel, "#");
    await admin.close();
    return channel;
  };
  const drained = async (channel: string): Promise<readonly string[]> => {
    const admin = await raw.createChannel();
    const ids: string[] = [];
    for (;;) {
      const message = await admin.get(`sink:${channel}`, { noAck: true });
      if (message === false) break;
      ids.push(String(message.properties.messageId));
    }
    await admin.close();
    return ids;
  };
  const idsOf = (messages: readonly OutgoingMessage[]) => messages.map(({ attributes }) => attributes["id"]);
  const connected = async (
    options: Parameters<TestBroker["transport"]>[0] = {},
  ): Promise<RabbitmqTransport> => {
    const { transport } = await broker.transport(options);
    await transport.connect();
    return transport;
  };

  test("9. a message that no queue is bound for is rejected, or counts as sent, as configured", async () => {
    const rejecting = await connected();
    const batch = [outgoing("nobody.listens"), outgoing("nobody.listens")];
    expect(say(await rejecting.publisher.publish(batch, bounds))).toEqual([
      "rejected message TRANSPORT_UNROUTABLE",
      "rejected message TRANSPORT_UNROUTABLE",
    ]);
    const dropping = await connected({ unroutable: "drop" });
    expect(say(await dropping.publisher.publish(batch, bounds))).toEqual(["confirmed", "confirmed"]);
  });

  test("9. a channel that is missing is rejected where it may not be created, and others pass", async () => {
    const there = await sink("check.there");
    const checking = await connected({ topology: "check" });
    const batch = [outgoing(there), outgoing("check.missing"), outgoing(there)];
    const outcomes = await checking.publisher.publish(batch, bounds);
    expect(say(outcomes)).toEqual(["confirmed", "rejected message TRANSPORT_CHANNEL_MISSING", "confirmed"]);
  });

  test("8. a missing exchange that costs the channel does not cost the messages on it", async () => {
    const there = await sink("none.there");
    const transport = await connected({ topology: "none" });
    const good = Array.from({ length: 50 }, () => outgoing(there));
    const batch = good.toSpliced(25, 0, outgoing("none.missing"));
    const outcomes = say(await transport.publisher.publish(batch, bounds));
    expect(outcomes.filter((one) => one !== "confirmed")).toEqual([
      "rejected message TRANSPORT_CHANNEL_MISSING",
    ]);
    expect(outcomes[25]).toBe("rejected message TRANSPORT_CHANNEL_MISSING");
    expect(new Set(await drained(there))).toEqual(new Set(idsOf(good)));
  });

  test("an exchange that is deleted under way is made again", async () => {
    const channel = await sink("declare.again");
    const transport = await connected({ unroutable: "drop" });
    expect(say(await transport.publisher.publish([outgoing(channel)], bounds))).toEqual(["confirmed"]);
    const admin = await raw.createChannel();
    await admin.deleteExchange(channel);
    expect(say(await transport.publisher.publish([outgoing(channel)], bounds))).toEqual(["confirmed"]);
    await admin.checkExchange(channel);
    await admin.close();
  });

  test("an exchange of another type is a conflict that names what differs", async () => {
    const admin = await raw.createChannel();
    await admin.assertExchange("conflict.fanout", "fanout");
    await admin.close();
    const transport = await connected();
    const [outcome] = await transport.publisher.publish([outgoing("conflict.fanout")], bounds);
    expect(outcome).toMatchObject({ status: "rejected", error: { code: "TRANSPORT_TOPOLOGY_CONFLICT" } });
    expect(outcome?.status === "rejected" ? outcome.error.message : "").toContain(
      "the exchange 'conflict.fanout' exists with another 'type' (asked for 'topic', the broker has 'fanout')",
    );
  });

  test("4. headers over 64 KiB, a header's name that is too long and a routing key that is too long are refused alone", async () => {
    const channel = await sink("headers.large");
    const transport = await connected();
    const batch = [
      outgoing(channel),
      outgoing(channel, { headers: { "x-large": "x".repeat(70_000) } }),
      outgoing(channel, { headers: { ["x".repeat(300)]: "x" } }),
      outgoing(channel, { type: `com.${"x".repeat(255)}` }),
      outgoing(channel),
    ];
    expect(say(await transport.publisher.publish(batch, bounds))).toEqual([
      "confirmed",
      "rejected message TRANSPORT_TOO_LARGE",
      "rejected message TRANSPORT_TOO_LARGE",
      "rejected message TRANSPORT_REJECTED",
      "confirmed",
    ]);
  });

  test("50. what was not confirmed when the connection broke goes out again, in its order and with its ids", async () => {
    const channel = await sink("cut.replies");
    const { transport, proxy } = await broker.transport();
    await transport.connect();
    await transport.publisher.publish([outgoing(channel)], bounds);
    proxy.silence("replies");
    const run = Array.from({ length: 200 }, (_, index) =>
      outgoing(channel, { id: `run-${index}`, key: "k" }),
    );
    const outcomes = transport.publisher.publishRun(run, bounds);
    const later = transport.publisher.publish([outgoing(channel, { id: "later" })], bounds);
    // The broker has them, and its confirmations are lost.
    await expect
      .poll(async () => (await broker.queue(`sink:${channel}`))?.["messages"], { timeout: 10_000 })
      .toBeGreaterThanOrEqual(201);
    proxy.cut();
    expect(new Set(say(await outcomes))).toEqual(new Set(["confirmed"]));
    expect(say(await later)).toEqual(["confirmed"]);
    const ids = (await drained(channel)).filter((id) => id.startsWith("run-") || id === "later");
    const expected = [...idsOf(run), "later"];
    expect(ids).toEqual([...expected, ...expected]);
  });

  test("7. a publish that the broker does not answer ends at its deadline with an unknown outcome", async () => {
    const channel = await sink("silent");
    const { transport, proxy } = await broker.transport();
    await transport.connect();
    await transport.publisher.publish([outgoing(channel)], bounds);
    proxy.silence("both");
    const startedMs = performance.now();
    const outcomes = await transport.publisher.publish([outgoing(channel)], { deadlineMs: 300 });
    expect(say(outcomes)).toEqual(["unknown broker TRANSPORT_OUTCOME_UNKNOWN"]);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    const closingMs = performance.now();
    await transport.close();
    expect(performance.now() - closingMs).toBeLessThan(5_000);
  });

  test("while the broker is short of memory nothing is sent, and the state says so", async () => {
    const channel = await sink("blocked");
    const transport = await connected();
    await transport.publisher.publish([outgoing(channel)], bounds);
    transport.native.publishing?.emit("blocked", "low on memory");
    expect(transport.state()).toBe("blocked");
    expect(say(await transport.publisher.publish([outgoing(channel)], { deadlineMs: 100 }))).toEqual([
      "rejected broker TRANSPORT_FULL",
    ]);
    const held = transport.publisher.publish([outgoing(channel)], bounds);
    transport.native.publishing?.emit("unblocked");
    expect(say(await held)).toEqual(["confirmed"]);
    expect(transport.state()).toBe("ready");
  });

  test("a publish that is given up by its signal ends at once", async () => {
    const channel = await sink("given.up");
    const { transport, proxy } = await broker.transport();
    await transport.connect();
    await transport.publisher.publish([outgoing(channel)], bounds);
    proxy.silence("both");
    const giveUp = new AbortController();
    const outcomes = transport.publisher.publish([outgoing(channel)], { ...bounds, signal: giveUp.signal });
    giveUp.abort();
    expect(say(await outcomes)).toEqual(["unknown broker TRANSPORT_OUTCOME_UNKNOWN"]);
  });
});
