import {
  createMessaging,
  defineCommand,
  defineConsumer,
  defineQuery,
  memoryStore,
  noRetry,
  type Messaging,
} from "@postrider/core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";

interface Sum {
  readonly terms: readonly number[];
}

/** Any value of the type will do. */
function some<T>() {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => ({ value: value as T }),
      types: undefined as { readonly input: T; readonly output: T } | undefined,
    },
  };
}
const SumOf = defineQuery("com.example.sums.sum-of.v1", { data: some<Sum>(), reply: some<number>() });
const Note = defineCommand("com.example.sums.note.v1", { data: some<Sum>() });
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const sum = ({ terms }: Sum): number => terms.reduce((total, term) => total + term, 0);

describe("requests over RabbitMQ", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  const open = async (): Promise<Messaging> => {
    const { transport } = await broker.transport();
    const messaging = await createMessaging({ source: "/sums", broker: transport, logger: quiet });
    onTestFinished(() => messaging.close({ drainMs: 0 }));
    return messaging;
  };

  test("88. requests of two askers side by side each get their own answer", async () => {
    const [owner, one, other] = [await open(), await open(), await open()];
    await owner.consume(defineConsumer("sums", { inbox: "none" }).on(SumOf, ({ data }) => sum(data)));
    const ask = (asker: Messaging, n: number) =>
      asker.request(SumOf({ terms: [n, 1] }), { to: "sums", timeoutMs: 10_000 });
    const all = Array.from({ length: 200 }, (_, n) => ask(n % 2 === 0 ? one : other, n));
    expect(await Promise.all(all)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  test("88. an owner that goes in the middle of a request: another one answers it, in its time", async () => {
    const asker = await open();
    const first = await open();
    let begun = (): void => {};
    const working = new Promise<void>((resolve) => (begun = resolve));
    await first.consume(
      defineConsumer("leaving", { inbox: "none" }).on(SumOf, async () => {
        begun();
        return new Promise<number>(() => {});
      }),
    );
    const asked = asker.request(SumOf({ terms: [20, 22] }), { to: "leaving", timeoutMs: 20_000 });
    await working;
    await first.close({ drainMs: 0 });
    const second = await open();
    await second.consume(defineConsumer("leaving", { inbox: "none" }).on(SumOf, ({ data }) => sum(data)));
    expect(await asked).toBe(42);
  });

  test("88. an owner that gives up refuses; one that was never there is told before anything waits", async () => {
    const [owner, asker] = [await open(), await open()];
    await owner.consume(
      defineConsumer("grumpy", { inbox: "none", retry: noRetry() }).on(SumOf, () => {
        throw new Error("not today");
      }),
    );
    await expect(
      asker.request(SumOf({ terms: [] }), { to: "grumpy", timeoutMs: 10_000 }),
    ).rejects.toMatchObject({ code: "REQUEST_REFUSED", context: { code: "HANDLER_FAILED" } });
    await expect(
      asker.request(SumOf({ terms: [] }), { to: "nobody", timeoutMs: 10_000 }),
    ).rejects.toMatchObject({ cause: { code: "TRANSPORT_UNROUTABLE" } });
  });

  test("an answer to somebody who has left is no fault of the owner, whose outbox it leaves", async () => {
    const { transport } = await broker.transport();
    const store = memoryStore();
    const owner = await createMessaging({ source: "/sums", broker: transport, store, logger: quiet });
    onTestFinished(() => owner.close({ drainMs: 0 }));
    let answer = (): void => {};
    const leaving = new Promise<void>((resolve) => (answer = resolve));
    const subscription = await owner.consume(
      defineConsumer("patient").on(SumOf, async ({ data }) => {
        await leaving;
        return sum(data);
      }),
    );
    const asker = await open();
    const asked = asker.request(SumOf({ terms: [1] }), { to: "patient", timeoutMs: 300 });
    await expect(asked).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
    await asker.close({ drainMs: 0 });
    answer();
    await vi.waitFor(() => expect(subscription.counts().handled).toBe(1));
    await vi.waitFor(async () => {
      expect(await owner.relay?.status()).toMatchObject({ backlog: 0, parked: 0, dead: 0 });
    });
  });

  test("a command waits for its owner as long as it takes, and reaches it once it is there", async () => {
    const [owner, sender] = [await open(), await open()];
    const done: number[] = [];
    const consumer = defineConsumer("later", { inbox: "none" }).on(
      Note,
      ({ data }) => void done.push(sum(data)),
    );
    const before = await owner.consume(consumer);
    await before.close();
    await sender.send(Note({ terms: [7] }), { to: "later" });
    await owner.consume(consumer);
    await vi.waitFor(() => expect(done).toEqual([7]));
  });
});
