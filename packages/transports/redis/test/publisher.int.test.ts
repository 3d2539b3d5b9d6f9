import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { idOf, subscribe } from "./support/subscribe.ts";

const bounds = { deadlineMs: 5_000 };

describe("publishing to Redis", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  const connected = async (options: Parameters<TestBroker["transport"]>[0] = {}) => {
    const both = await broker.transport(options);
    await both.transport.connect();
    return both;
  };

  test("8. a stream whose name is taken by something else costs only the messages that go there", async () => {
    const client = await broker.raw();
    await client.set(`${broker.prefix}{taken:1}`, "text");
    const { transport } = await connected();
    const outcomes = await transport.publisher.publish(
      [0, 1, 2].map((shard) => outgoing("taken", { shard })),
      bounds,
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["confirmed", "rejected", "confirmed"]);
    expect(outcomes[1]).toMatchObject({ scope: "message", error: { code: "TRANSPORT_TOPOLOGY_CONFLICT" } });
  });

  test("9. a channel that may not be made is missing", async () => {
    const { transport } = await connected({ topology: "check" });
    const [outcome] = await transport.publisher.publish([outgoing("absent")], bounds);
    expect(outcome).toMatchObject({
      status: "rejected",
      scope: "message",
      error: { code: "TRANSPORT_CHANNEL_MISSING" },
    });
    expect((await broker.keys()).filter((key) => key.startsWith("{absent"))).toEqual([]);
  });

  test("a channel that others spread over another number of streams is refused on both sides", async () => {
    const { transport } = await connected();
    await transport.publisher.publish([outgoing("spread")], bounds);
    const { transport: other } = await connected({ partitions: 4 });
    const [outcome] = await other.publisher.publish([outgoing("spread"), outgoing("fine")], bounds);
    expect(outcome).toMatchObject({ status: "rejected", error: { code: "TRANSPORT_TOPOLOGY_CONFLICT" } });
    await expect(subscribe(other, { channels: ["spread"] })).rejects.toMatchObject({
      code: "TRANSPORT_TOPOLOGY_CONFLICT",
      message: expect.stringContaining("8 streams") as string,
    });
    expect((await other.publisher.publish([outgoing("fine")], bounds))[0]?.status).toBe("confirmed");
  });

  test("more attributes and headers than a script takes are refused before they are sent", async () => {
    const { transport } = await connected();
    const headers = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`h${index}`, "x"]));
    const [outcome] = await transport.publisher.publish([outgoing("many", { headers })], bounds);
    expect(outcome).toMatchObject({
      status: "rejected",
      error: { code: "TRANSPORT_REJECTED", retryable: false },
    });
  });

  test("a server that forgets its scripts is given them again, and the order of a key holds", async () => {
    const { transport } = await connected();
    const { deliveries } = await subscribe(transport, {
      channels: ["scripts"],
      group: "scripts",
      ordering: "key",
    });
    const run = Array.from({ length: 60 }, () => outgoing("scripts", { key: "k" }));
    const client = await broker.raw();
    const outcomes = run.map(async (message, index) => {
      if (index === 20) await client.script("FLUSH");
      return transport.publisher.publish([message], bounds);
    });
    const settled = (await Promise.all(outcomes)).flat().map(({ status }) => status);
    expect(new Set(settled)).toEqual(new Set(["confirmed"]));
    await expect.poll(() => new Set(deliveries.map(idOf)).size, { timeout: 10_000 }).toBe(60);
  });

  test("49. while the server is full the state is blocked, publishes end by their deadline, and others go on later", async () => {
    const client = await broker.raw();
    const { transport } = await connected();
    const watched = await subscribe(transport, { channels: ["full"], group: "full" });
    await transport.publisher.publish([outgoing("full")], bounds);
    await client.config("SET", "maxmemory", "1mb");
    try {
      const [late] = await transport.publisher.publish([outgoing("full")], { deadlineMs: 300 });
      expect(late).toMatchObject({ status: "rejected", scope: "broker", error: { code: "TRANSPORT_FULL" } });
      expect(transport.state()).toBe("blocked");
      const waiting = transport.publisher.publish([outgoing("full")], bounds);
      await client.config("SET", "maxmemory", "0");
      expect((await waiting)[0]?.status).toBe("confirmed");
    } finally {
      await client.config("SET", "maxmemory", "0");
    }
    expect(transport.state()).toBe("ready");
    await expect.poll(() => watched.deliveries.length).toBe(2);
  });

  test("ids are in the order of publishing over all streams of a channel", async () => {
    const client = await broker.raw();
    const { transport } = await connected();
    const sent = Array.from({ length: 64 }, (_, index) => outgoing("ids", { shard: (index * 7) % 16 }));
    await transport.publisher.publish(sent, bounds);
    const found: (readonly [ms: number, seq: number, id: string])[] = [];
    for (let index = 0; index < 8; index += 1) {
      for (const [id, fields] of await client.xrange(`${broker.prefix}{ids:${index}}`, "-", "+")) {
        const [ms = 0, seq = 0] = id.split("-").map(Number);
        found.push([ms, seq, fields[fields.indexOf("ce_id") + 1] ?? ""]);
      }
    }
    const inOrder = found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , id]) => id);
    expect(inOrder).toEqual(sent.map(({ attributes }) => attributes["id"]));
  });

  test("50. what was unconfirmed when the connection broke goes out again ahead of everything newer", async () => {
    const client = await broker.raw();
    const { transport, proxy } = await connected();
    const send = () => transport.publisher.publish([outgoing("again", { key: "k", shard: 0 })], bounds);
    await send();
    proxy.silence("replies");
    const sent = Array.from({ length: 10 }, () => outgoing("again", { key: "k", shard: 0 }));
    const first = sent.slice(0, 5).map((message) => transport.publisher.publish([message], bounds));
    await expect.poll(() => client.xlen(`${broker.prefix}{again:0}`)).toBe(6);
    const later = sent.slice(5).map((message) => transport.publisher.publish([message], bounds));
    proxy.cut();
    const outcomes = (await Promise.all([...first, ...later])).flat();
    expect(outcomes.map(({ status }) => status)).toEqual(sent.map(() => "confirmed"));
    const entries = await client.xrange(`${broker.prefix}{again:0}`, "-", "+");
    const ids = entries.slice(1).map(([, fields]) => fields[fields.indexOf("ce_id") + 1]);
    const wanted = sent.map(({ attributes }) => attributes["id"]);
    // Stored twice, since nobody could know; and each time in order.
    expect(ids).toEqual([...wanted.slice(0, 5), ...wanted]);
  });
});
