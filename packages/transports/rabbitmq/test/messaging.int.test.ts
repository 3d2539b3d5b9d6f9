import {
  createMessaging,
  type DeadLetter,
  defineConsumer,
  defineEvent,
  fixed,
  Reject,
} from "@postrider/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rabbitmq } from "../src/index.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";

interface Order {
  readonly order: string;
}

/** Any order will do. */
const orders = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: value as Order }),
    types: undefined as { readonly input: Order; readonly output: Order } | undefined,
  },
};
const Placed = defineEvent("com.example.shop.order-placed.v1", { data: orders, key: ({ order }) => order });
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe("messaging over RabbitMQ, chosen by its URL", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  test.each(["none", "key"] as const)(
    "18, 74, 76. retries, dead letters and effects come out right, with ordering %s",
    async (ordering) => {
      const messaging = await createMessaging({
        source: "/shop",
        broker: {
          url: broker.url,
          transports: { rabbitmq: () => import("../src/index.ts") },
          rabbitmq: { namePrefix: `${ordering}.` },
        },
        logger: quiet,
      });
      const calls: string[] = [];
      const consumer = defineConsumer("billing", {
        inbox: "memory",
        ordering,
        retry: fixed({ delayMs: 20, attempts: 3 }),
      }).on(Placed, ({ data }, { attempt }) => {
        calls.push(`${data.order} ${attempt}`);
        if (data.order === "bad") throw new Reject("never");
        if (data.order === "late" && attempt < 3) throw new Error("not yet");
        if (data.order === "broken") throw new Error("always");
      });
      await messaging.consume(consumer);
      for (const order of ["good", "bad", "late", "broken"]) await messaging.publish(Placed({ order }));
      const letters: DeadLetter[] = [];
      await messaging.consumeDeadLetters("billing", (letter) => void letters.push(letter));
      await expect.poll(() => letters.length, { timeout: 10_000 }).toBe(2);
      await expect.poll(() => calls.length).toBe(8);
      expect([...calls].sort()).toEqual([
        "bad 1",
        "broken 1",
        "broken 2",
        "broken 3",
        "good 1",
        "late 1",
        "late 2",
        "late 3",
      ]);
      expect(letters.map(({ reason, attempts }) => `${reason} ${attempts}`).sort()).toEqual([
        "exhausted 3",
        "rejected 1",
      ]);
      await messaging.close();
    },
  );

  test("76. what the broker puts with the dead letters at its own limit is read as a letter, also at a second look", async () => {
    const messaging = await createMessaging({
      source: "/shop",
      broker: rabbitmq({ url: broker.url, namePrefix: "limit." }),
      logger: quiet,
    });
    const consumer = defineConsumer("limited", { inbox: "none" }).on(Placed, () => undefined);
    await (await messaging.consume(consumer)).close();
    const raw = await broker.raw();
    const channel = await raw.createChannel();
    await channel.prefetch(1);
    // Each return counts, as with a consumer that dies with the message in hand.
    await channel.consume("limit.limited", (message) => void (message && channel.nack(message)));
    await messaging.publish(Placed({ order: "deadly" }));
    await expect
      .poll(async () => (await channel.checkQueue("limit.limited:dead")).messageCount, { timeout: 20_000 })
      .toBe(1);
    const letters: DeadLetter[] = [];
    await messaging.consumeDeadLetters("limited", (letter) => {
      letters.push(letter);
      if (letters.length === 1) throw new Error("look again");
    });
    await expect.poll(() => letters.length, { timeout: 10_000 }).toBe(2);
    for (const letter of letters) {
      expect(letter).toMatchObject({
        reason: "exhausted",
        consumer: "limited",
        origin: { queue: "limit.limited" },
        message: { channel: Placed.channel, attributes: { type: Placed.type } },
      });
      expect(letter.errors[0]?.message).toContain("delivery limit");
      expect(Date.parse(letter.deadLetteredAt)).toBeGreaterThan(Date.parse("2026-01-01"));
    }
    await messaging.close();
  });
});
