import { rabbitmqctl } from "@postrider/test-servers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { idOf, subscribe } from "./support/subscribe.ts";

const bounds = { deadlineMs: 10_000 };
const usual = { consumer_timeout: 1_800_000, channel_tick_interval: 60_000, max_message_size: 134_217_728 };

/** Channels that are opened from now on go by it. */
const limit = async (limits: Partial<typeof usual>): Promise<void> => {
  const calls = Object.entries(limits).map(
    ([name, value]) => `application:set_env(rabbit, ${name}, ${value})`,
  );
  await rabbitmqctl("eval", `${calls.join(", ")}.`);
};

describe("the server's own limits, lowered", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterEach(() => limit(usual));
  afterAll(() => broker.remove());

  test("a message that is held beyond the acknowledgement timeout comes again, and the fault names the timeout", async () => {
    await limit({ consumer_timeout: 1_000, channel_tick_interval: 500 });
    const { transport } = await broker.transport();
    await transport.connect();
    let held = 0;
    const { deliveries, faults } = await subscribe(transport, {
      group: "slow",
      channels: ["slow"],
      receive: (delivery) => {
        // The first is held too long.
        if (held > 0) void delivery.settle({ kind: "ack" });
        held += 1;
      },
    });
    await transport.publisher.publish([outgoing("slow", { id: "m" })], bounds);
    await expect.poll(() => deliveries.map(idOf), { timeout: 10_000 }).toEqual(["m", "m"]);
    expect(faults.map(({ code }) => code)).toEqual(["CONFIG_INVALID"]);
    expect(faults[0]?.message).toContain("consumer_timeout");
    expect(deliveries[0]?.signal.aborted).toBe(true);
    // Too late for this one: it is nobody's any more, and nothing throws.
    await deliveries[0]?.settle({ kind: "ack" });
  });

  test("a message over the server's limit is refused alone: those on the same channel are confirmed", async () => {
    const { transport } = await broker.transport({ unroutable: "drop" });
    await limit({ max_message_size: 65_536 });
    await transport.connect();
    const batch = Array.from({ length: 40 }, () => outgoing("large"));
    batch[20] = outgoing("large", { body: Buffer.alloc(100_000, " ") });
    const outcomes = await transport.publisher.publish(batch, bounds);
    expect(outcomes.filter(({ status }) => status === "confirmed")).toHaveLength(39);
    expect(outcomes[20]).toMatchObject({
      status: "rejected",
      scope: "message",
      error: { code: "TRANSPORT_TOO_LARGE" },
    });
  });
});
