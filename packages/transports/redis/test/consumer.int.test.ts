import type { Delivery } from "@postrider/core";
import { until } from "@postrider/fault-suite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadScripts, run } from "../src/streams/call.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { idOf, subscribe } from "./support/subscribe.ts";

const bounds = { deadlineMs: 5_000 };

describe("consuming from Redis", () => {
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
  const hold = { receive: () => undefined };

  test("21. an entry whose delivery was lost on the way is found with the server, and not counted", async () => {
    const { transport: publisher } = await connected();
    // So long a lease that nothing comes back by that.
    const { transport, proxy } = await connected({ heartbeatMs: 1_000, leaseMs: 60_000 });
    const { deliveries } = await subscribe(transport, { channels: ["late"], group: "late" });
    const client = await broker.raw();
    const name = `name=${broker.prefix.slice(0, -1)}:reading `;
    await until("the read waits at the server", async () =>
      String(await client.call("CLIENT", "LIST"))
        .split("\n")
        .some((line) => line.includes(name) && / flags=\w*b/.test(line)),
    );
    proxy.silence("replies");
    const sent = outgoing("late", { shard: 5 });
    await publisher.publisher.publish([sent], bounds);
    const pending = await client.xpending(`${broker.prefix}{late:5}`, "late");
    expect([pending[0], deliveries.length]).toEqual([1, 0]);
    await expect.poll(() => deliveries.map(idOf), { timeout: 15_000 }).toEqual([sent.attributes["id"]]);
    expect(deliveries[0]).toMatchObject({ attempt: 1 });
  });

  test("38. a member with room for one takes no more, however many streams there are", async () => {
    const { transport } = await connected({ leaseMs: 60_000 });
    const one = await subscribe(transport, { channels: ["few"], group: "few", maxInFlight: 1, ...hold });
    const { transport: second } = await connected({ leaseMs: 60_000 });
    const sent = Array.from({ length: 16 }, (_, shard) => outgoing("few", { shard }));
    await transport.publisher.publish(sent, bounds);
    await expect.poll(() => one.deliveries.length).toBe(1);
    const other = await subscribe(second, { channels: ["few"], group: "few" });
    await expect.poll(() => other.deliveries.length, { timeout: 10_000 }).toBe(15);
  });

  test("27. what a dead member held is taken over by one other, with its attempts", async () => {
    const { transport: dying, proxy } = await connected({ leaseMs: 600 });
    const held = await subscribe(dying, { channels: ["dead"], group: "dead", ...hold });
    await dying.publisher.publish([outgoing("dead", { shard: 3 })], bounds);
    await expect.poll(() => held.deliveries.length).toBe(1);
    proxy.shut();
    const others = await Promise.all(
      [1, 2].map(async () =>
        subscribe((await connected({ leaseMs: 600 })).transport, { channels: ["dead"], group: "dead" }),
      ),
    );
    const all = (): readonly Delivery[] => others.flatMap(({ deliveries }) => deliveries);
    await expect.poll(() => all().length, { timeout: 10_000 }).toBe(1);
    expect(all()[0]).toMatchObject({ attempt: 2, redelivered: true });
  });

  test("a group that is deleted is made again, and what was published since then is delivered", async () => {
    const client = await broker.raw();
    const { transport } = await connected();
    for (const ordering of ["none", "key"] as const) {
      const group = `gone-${ordering}`;
      const { deliveries, faults } = await subscribe(transport, { channels: [group], group, ordering });
      await client.del(...Array.from({ length: 8 }, (_, index) => `${broker.prefix}{${group}:${index}}`));
      await expect
        .poll(() => faults.map(({ code }) => code), { timeout: 10_000 })
        .toContain("TRANSPORT_SUBSCRIPTION_LOST");
      await transport.publisher.publish([outgoing(group, { key: "k" })], bounds);
      await expect.poll(() => deliveries.length, { timeout: 10_000 }).toBe(1);
    }
  });

  test("trimming passes neither what a group has not read nor what it has not acknowledged", async () => {
    const client = await broker.raw();
    await loadScripts(client);
    const { transport } = await connected({ partitions: 1 });
    const stream = `${broker.prefix}{trim:0}`;
    const trim = async (): Promise<number> => {
      await client.del(`${stream}:trim`);
      await run(client, "trim", [stream, `${stream}:trim`], [1_000, 0, ":each:"]);
      return client.xlen(stream);
    };
    const unread = await subscribe(transport, { channels: ["trim"], group: "unread" });
    unread.subscription.pause();
    const kept: Delivery[] = [];
    const { deliveries } = await subscribe(transport, {
      channels: ["trim"],
      group: "acknowledges all but one",
      maxInFlight: 1_000,
      receive: (delivery) =>
        void (kept.length === 0 ? kept.push(delivery) : delivery.settle({ kind: "ack" })),
    });
    const batch = Array.from({ length: 1_000 }, () => outgoing("trim"));
    await transport.publisher.publish(batch, bounds);
    await expect.poll(() => deliveries.length, { timeout: 10_000 }).toBe(1_000);
    // The paused group may have been given one when it was paused; nothing may go.
    expect(await trim()).toBe(1_000);
    unread.subscription.resume();
    await expect.poll(() => unread.deliveries.length, { timeout: 10_000 }).toBe(1_000);
    expect(await trim()).toBe(1_000);
    await kept[0]?.settle({ kind: "ack" });
    // Whole nodes of a hundred entries or so are dropped.
    await until("all groups have done with it", async () => (await trim()) < 200);
  });

  test("the group of one member goes with it, and that of one that died when it is not heard of", async () => {
    const client = await broker.raw();
    await loadScripts(client);
    const { transport } = await connected({ partitions: 1 });
    const stream = `${broker.prefix}{each:0}`;
    const groupsOf = async (): Promise<number> => {
      const reply = await client.xinfo("GROUPS", stream);
      return Array.isArray(reply) ? reply.length : 0;
    };
    const own = await subscribe(transport, { channels: ["each"], group: "each", members: "each" });
    const { transport: dying, proxy } = await connected({ partitions: 1 });
    await subscribe(dying, { channels: ["each"], group: "each", members: "each" });
    expect(await groupsOf()).toBe(2);
    await own.subscription.close();
    expect(await groupsOf()).toBe(1);
    proxy.shut();
    for (const key of await broker.keys())
      if (key.startsWith("{each:0}:alive:")) await client.del(broker.prefix + key);
    await run(client, "trim", [stream, `${stream}:trim`], [1_000, 0, ":each:"]);
    expect(await groupsOf()).toBe(0);
    expect((await broker.keys()).filter((key) => key.startsWith("{each:0}:retry:"))).toEqual([]);
  });

  test("77. an original is not acknowledged when its dead letter finds no room", async () => {
    const client = await broker.raw();
    const { transport } = await connected();
    const { deliveries } = await subscribe(transport, { channels: ["letters"], group: "letters", ...hold });
    await transport.publisher.publish([outgoing("letters", { shard: 2 })], bounds);
    await expect.poll(() => deliveries.length).toBe(1);
    const [delivery] = deliveries;
    const letter = outgoing("letters");
    await client.config("SET", "maxmemory", "1mb");
    try {
      await expect(delivery?.settle({ kind: "dead-letter", letter })).rejects.toMatchObject({
        code: "TRANSPORT_FULL",
      });
    } finally {
      await client.config("SET", "maxmemory", "0");
    }
    await delivery?.settle({ kind: "dead-letter", letter });
    expect(await client.xlen(`${broker.prefix}{letters}:dead`)).toBe(1);
  });

  test("86. retries of many members come in the order of their times, each once", async () => {
    const { transport } = await connected();
    const seen: number[] = [];
    await subscribe(transport, {
      channels: ["times"],
      group: "times",
      receive: (delivery) => {
        const step = Number(delivery.message.headers["step"]);
        if (delivery.attempt === 1)
          void delivery.settle({ kind: "retry", delayMs: 600 - step * 100, attempt: 1 });
        else {
          seen.push(step);
          void delivery.settle({ kind: "ack" });
        }
      },
    });
    const batch = [1, 2, 3, 4].map((step) =>
      outgoing("times", { shard: step, headers: { step: String(step) } }),
    );
    await transport.publisher.publish(batch, bounds);
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([4, 3, 2, 1]);
  });

  test("36. closing an ordered subscription counts nothing, and keeps the places", async () => {
    const request = { channels: ["places"], group: "places", ordering: "key" } as const;
    const { transport } = await connected();
    const first = await subscribe(transport, { ...request, ...hold, maxInFlight: 3 });
    const sent = Array.from({ length: 12 }, () => outgoing("places", { key: "k" }));
    await transport.publisher.publishRun(sent, bounds);
    await expect.poll(() => first.deliveries.length).toBe(3);
    await first.subscription.close();
    const second = await subscribe(transport, request);
    await expect.poll(() => second.deliveries.length, { timeout: 10_000 }).toBe(12);
    expect(second.deliveries.map(idOf)).toEqual(sent.map(({ attributes }) => attributes["id"]));
    expect(second.deliveries.map(({ attempt }) => attempt)).toEqual(sent.map(() => 1));
  });

  test("36. what is released in an ordered group comes again before what follows, uncounted", async () => {
    const { transport } = await connected();
    const seen: (readonly [id: string, attempt: number, redelivered: boolean])[] = [];
    await subscribe(transport, {
      channels: ["released"],
      group: "released",
      ordering: "key",
      maxInFlight: 1,
      receive: (delivery) => {
        seen.push([idOf(delivery), delivery.attempt, delivery.redelivered]);
        void delivery.settle({ kind: seen.length === 1 ? "release" : "ack" });
      },
    });
    const [one, two] = [outgoing("released", { key: "k" }), outgoing("released", { key: "k" })];
    await transport.publisher.publishRun([one, two], bounds);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(3);
    const [first, second] = [one, two].map(({ attributes }) => attributes["id"] ?? "");
    expect(seen).toEqual([
      [first, 1, false],
      [first, 1, true],
      [second, 1, false],
    ]);
  });

  test("40. what finds no room at a member for long is given to others", async () => {
    const { transport } = await connected({ leaseMs: 900 });
    const full = await subscribe(transport, { channels: ["idle"], group: "idle", maxInFlight: 8, ...hold });
    const batch = Array.from({ length: 8 }, (_, shard) => outgoing("idle", { shard }));
    await transport.publisher.publish(batch, bounds);
    await expect.poll(() => full.deliveries.length).toBe(8);
    full.subscription.setMaxInFlight(1);
    await transport.publisher.publish([outgoing("idle")], bounds);
    const { transport: second } = await connected({ leaseMs: 900 });
    const other = await subscribe(second, { channels: ["idle"], group: "idle" });
    await expect.poll(() => other.deliveries.length, { timeout: 10_000 }).toBe(1);
    expect(full.deliveries.every(({ signal }) => !signal.aborted)).toBe(true);
  });
});
