import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { idOf, subscribe, type Watched } from "./support/subscribe.ts";

describe("members of an ordered group", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  /** Publishes one message per shard, and tells which member had which queues. */
  const shares = async (channel: string, members: readonly Watched[]): Promise<readonly number[]> => {
    const { transport } = await broker.transport();
    await transport.connect();
    const batch = Array.from({ length: 16 }, (_, shard) => outgoing(channel, { shard, key: `key ${shard}` }));
    await transport.publisher.publish(batch, { deadlineMs: 10_000 });
    await transport.close();
    const ids = new Set(batch.map(({ attributes }) => attributes["id"]));
    const of = (member: Watched) => member.deliveries.filter((one) => ids.has(idOf(one)));
    await expect.poll(() => members.flatMap(of).length).toBeGreaterThanOrEqual(16);
    return members.map((member) => new Set(of(member).map(({ origin }) => origin["queue"])).size);
  };
  const join = async (group: string, channel: string) => {
    const { transport, proxy } = await broker.transport();
    await transport.connect();
    return {
      transport,
      proxy,
      ...(await subscribe(transport, { group, channels: [channel], ordering: "key" })),
    };
  };

  test("34. those who join get an even share of the queues, and those who stay get the share of one who leaves", async () => {
    const first = await join("even", "spread.even");
    expect(await shares("spread.even", [first])).toEqual([8]);
    const second = await join("even", "spread.even");
    await expect.poll(() => shares("spread.even", [first, second]), { timeout: 15_000 }).toEqual([4, 4]);
    const third = await join("even", "spread.even");
    await expect
      .poll(async () => [...(await shares("spread.even", [first, second, third]))].sort((a, b) => a - b), {
        timeout: 15_000,
      })
      .toEqual([2, 3, 3]);
    await third.subscription.close();
    await expect
      .poll(() => shares("spread.even", [first, second, third]), { timeout: 15_000 })
      .toEqual([4, 4, 0]);
    // As a process that dies: nobody says goodbye.
    second.proxy.shut();
    await expect.poll(() => shares("spread.even", [first]), { timeout: 15_000 }).toEqual([8]);
    expect(first.faults).toEqual([]);
  }, 60_000);
});
