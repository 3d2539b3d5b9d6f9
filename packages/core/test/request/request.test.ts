import {
  createMessaging,
  defineCommand,
  defineConsumer,
  defineEvent,
  defineQuery,
  memory,
  memoryBroker,
  memoryStore,
  noRetry,
  Reject,
  type Logger,
  type MemoryBroker,
  type MemoryStore,
  type Messaging,
} from "@postrider/core";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const PriceOf = defineQuery("test.shop.price-of.v1", {
  data: z.object({ sku: z.string() }),
  reply: z.object({ cents: z.number(), at: z.string().transform((text) => new Date(text)) }),
});
const Ship = defineCommand("test.shop.ship.v1", { data: z.object({ orderId: z.string() }) });
const Reserve = defineCommand("test.shop.reserve.v1", {
  data: z.object({ orderId: z.string() }),
  reply: z.object({ place: z.string() }),
});
const Shipped = defineEvent("test.shop.shipped.v1", { data: z.object({ orderId: z.string() }) });

const at = "2026-01-02T03:04:05.000Z";

describe.each([
  ["without a store", (): MemoryStore | undefined => undefined],
  ["with a store", (): MemoryStore | undefined => memoryStore()],
])("requests and commands %s", (_name, storeOf) => {
  const open = async (broker: MemoryBroker): Promise<Messaging> => {
    const common = { source: "/test/shop", broker: memory({ broker }), logger: quiet };
    const store = storeOf();
    const service = await (store === undefined
      ? createMessaging(common)
      : createMessaging({ ...common, store }));
    onTestFinished(() => service.close({ drainMs: 0 }));
    return service;
  };
  /** The owner `shop` and, in another process so to speak, an asker. */
  const two = async () => {
    const broker = memoryBroker();
    return { broker, owner: await open(broker), asker: await open(broker) };
  };

  test("88. a query is answered with what its owner's handler returns, checked and lifted by its schema", async () => {
    const { owner, asker } = await two();
    await owner.consume(
      defineConsumer("shop", { inbox: "none" }).on(PriceOf, ({ data }) => ({ cents: data.sku.length, at })),
    );
    const reply = await asker.request(PriceOf({ sku: "abc" }), { to: "shop", timeoutMs: 5_000 });
    expect(reply).toEqual({ cents: 3, at: new Date(at) });
  });

  test("88. many requests at once each get their own answer", async () => {
    const { owner, asker } = await two();
    await owner.consume(
      defineConsumer("shop", { inbox: "none", concurrency: 8 }).on(PriceOf, async ({ data }) => {
        await new Promise((resolve) => setTimeout(resolve, data.sku.length % 5));
        return { cents: data.sku.length, at };
      }),
    );
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        asker.request(PriceOf({ sku: "x".repeat(n) }), { to: "shop", timeoutMs: 10_000 }),
      ),
    );
    expect(replies.map(({ cents }) => cents)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test("a command without a reply resolves when its owner has done it, and one with a reply with that", async () => {
    const { owner, asker } = await two();
    const done: string[] = [];
    await owner.consume(
      defineConsumer("shop", { inbox: "none" })
        .on(Ship, ({ data }) => void done.push(data.orderId))
        .on(Reserve, ({ data }) => ({ place: `for ${data.orderId}` })),
    );
    expect(await asker.request(Ship({ orderId: "o-1" }), { to: "shop", timeoutMs: 5_000 })).toBeUndefined();
    expect(done).toEqual(["o-1"]);
    expect(await asker.request(Reserve({ orderId: "o-2" }), { to: "shop", timeoutMs: 5_000 })).toEqual({
      place: "for o-2",
    });
  });

  test("a command reaches its one owner, and no other consumer that handles it", async () => {
    const { owner, asker } = await two();
    const done: string[] = [];
    await owner.consume(defineConsumer("shop", { inbox: "none" }).on(Ship, () => void done.push("shop")));
    await owner.consume(defineConsumer("other", { inbox: "none" }).on(Ship, () => void done.push("other")));
    await asker.send(Ship({ orderId: "o-1" }), { to: "other" });
    await asker.request(Ship({ orderId: "o-2" }), { to: "other", timeoutMs: 5_000 });
    expect(done).toEqual(["other", "other"]);
  });

  test("88. a request that its owner gives up is refused at once, with the code and the words of the error", async () => {
    const { owner, asker } = await two();
    await owner.consume(
      defineConsumer("shop", { inbox: "none", retry: noRetry() })
        .on(PriceOf, () => {
          throw new Error("no such thing");
        })
        .on(Ship, () => {
          throw new Reject("not on Sundays");
        }),
    );
    await expect(
      asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 5_000 }),
    ).rejects.toMatchObject({
      code: "REQUEST_REFUSED",
      message: expect.stringContaining("no such thing"),
      context: { type: "test.shop.price-of.v1", to: "shop", code: "HANDLER_FAILED" },
    });
    await expect(
      asker.request(Ship({ orderId: "a" }), { to: "shop", timeoutMs: 5_000 }),
    ).rejects.toMatchObject({
      code: "REQUEST_REFUSED",
      message: expect.stringContaining("not on Sundays"),
    });
  });

  test("88. a request that nobody answers ends with its time; the answer that comes later is dropped", async () => {
    const { owner, asker } = await two();
    let finish = (): void => {};
    let begun = 0;
    await owner.consume(
      defineConsumer("shop", { inbox: "none" }).on(PriceOf, async () => {
        begun += 1;
        if (begun === 1) await new Promise<void>((resolve) => (finish = resolve));
        return { cents: begun, at };
      }),
    );
    await expect(asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 50 })).rejects.toMatchObject({
      code: "REQUEST_TIMED_OUT",
      context: { to: "shop", timeoutMs: 50 },
    });
    finish();
    expect(await asker.request(PriceOf({ sku: "b" }), { to: "shop", timeoutMs: 5_000 })).toMatchObject({
      cents: 2,
    });
  });

  test("88. a signal ends the waiting with its reason", async () => {
    const { asker } = await two();
    const controller = new AbortController();
    const asked = asker.request(PriceOf({ sku: "a" }), {
      to: "shop",
      timeoutMs: 5_000,
      signal: controller.signal,
    });
    controller.abort(new Error("no longer wanted"));
    await expect(asked).rejects.toThrow("no longer wanted");
    await expect(
      asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 5_000, signal: controller.signal }),
    ).rejects.toThrow("no longer wanted");
  });

  test("an answer that does not match the reply's schema reaches nobody: the owner's work fails", async () => {
    const { owner, asker } = await two();
    await owner.consume(
      defineConsumer("shop", { inbox: "none", retry: noRetry() }).on(
        PriceOf,
        () => ({ cents: "many" }) as never,
      ),
    );
    await expect(
      asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 5_000 }),
    ).rejects.toMatchObject({
      code: "REQUEST_REFUSED",
      context: { code: "CONTRACT_INVALID_DATA" },
    });
  });

  test("data that breaks its schema is refused before anything is sent", async () => {
    const { asker } = await two();
    await expect(
      asker.request(PriceOf({ sku: 1 } as never), { to: "shop", timeoutMs: 5_000 }),
    ).rejects.toMatchObject({
      code: "CONTRACT_INVALID_DATA",
    });
  });

  test("all wrong options are told at once", async () => {
    const { asker } = await two();
    await expect(
      asker.request(PriceOf({ sku: "a" }), { timeoutMs: 0, two: "shop" } as never),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      problems: expect.arrayContaining([
        expect.stringContaining("two"),
        expect.stringContaining("to:"),
        expect.stringContaining("timeoutMs"),
      ]),
    });
    await expect(asker.send(Ship({ orderId: "a" }), { to: "a b" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    await expect(asker.send(PriceOf({ sku: "a" }) as never, { to: "shop" })).rejects.toMatchObject({
      code: "USAGE_WRONG_KIND",
    });
    await expect(
      asker.request(Shipped({ orderId: "a" }) as never, { to: "shop", timeoutMs: 1 }),
    ).rejects.toMatchObject({
      code: "USAGE_WRONG_KIND",
    });
  });

  test("an answer has the request as its cause, and shares its conversation", async () => {
    const { broker, owner, asker } = await two();
    const seen: { readonly id: string; readonly correlationid?: string | undefined }[] = [];
    await owner.consume(
      defineConsumer("shop", { inbox: "none" }).on(PriceOf, (message) => {
        seen.push(message);
        return { cents: 1, at };
      }),
    );
    await asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 5_000 });
    expect(seen).toHaveLength(1);
    expect(broker.inspect().channels.map(({ channel }) => channel)).toEqual(
      expect.arrayContaining(["postrider.requests.shop", "postrider.replies"]),
    );
  });

  test("close gives those who wait what is left of the drain, and then an end", async () => {
    const { asker } = await two();
    const asked = asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 60_000 });
    const [ended] = await Promise.allSettled([asked, asker.close({ drainMs: 20 })]);
    expect(ended).toMatchObject({ status: "rejected", reason: { code: "USAGE_CLOSED" } });
    await expect(
      asker.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 1_000 }),
    ).rejects.toMatchObject({
      code: "USAGE_CLOSED",
    });
  });
});

describe("in a unit of work", () => {
  const open = async () => {
    const messaging = await createMessaging({
      source: "/test",
      broker: memory(),
      store: memoryStore(),
      logger: quiet,
    });
    onTestFinished(() => messaging.close({ drainMs: 0 }));
    return messaging;
  };

  test("a command leaves with the commit, in order with the events, and never with a rollback", async () => {
    const messaging = await open();
    const done: string[] = [];
    await messaging.consume(defineConsumer("shop").on(Ship, ({ data }) => void done.push(data.orderId)));
    const units = messaging.unitOfWork();
    await expect(
      units.run(async ({ send }) => {
        send(Ship({ orderId: "rolled back" }), { to: "shop" });
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await units.run(async ({ send }) => {
      await Promise.resolve();
      send(Ship({ orderId: "o-1" }), { to: "shop" });
    });
    await vi.waitFor(() => expect(done).toEqual(["o-1"]));
  });

  test("a command leaves with a transaction of one's own by outbox.send", async () => {
    const store = memoryStore();
    const messaging = await createMessaging({ source: "/test", broker: memory(), store, logger: quiet });
    onTestFinished(() => messaging.close({ drainMs: 0 }));
    const done: string[] = [];
    await messaging.consume(defineConsumer("shop").on(Ship, ({ data }) => void done.push(data.orderId)));
    await store.transaction((tx) => messaging.outbox.send(tx, Ship({ orderId: "o-1" }), { to: "shop" }));
    store.outbox.signal();
    await vi.waitFor(() => expect(done).toEqual(["o-1"]));
    await expect(
      store.transaction((tx) => messaging.outbox.send(tx, Ship({ orderId: "o-1" }), {} as never)),
    ).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("waiting for an answer is refused: the transaction would stay open", async () => {
    const messaging = await open();
    await expect(
      messaging
        .unitOfWork()
        .run(() => messaging.request(PriceOf({ sku: "a" }), { to: "shop", timeoutMs: 100 })),
    ).rejects.toMatchObject({ code: "USAGE_INSIDE_TRANSACTION" });
  });
});
