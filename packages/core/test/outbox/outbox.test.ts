import { type SealedEvent, type SqlTx, type SyncSqlTx, OutsideTransactionError } from "@postrider/core";
import { expect, test } from "vitest";
import { listenTo } from "../support/listener.ts";
import { Placed, Ship, slowEvent, Ticked } from "../support/orders.ts";
import { until } from "../support/recorder.ts";
import { place, serviceOn, storeOn } from "../support/services.ts";

/** A service whose store writes down what it was asked to append, and takes SQL transactions. */
async function writing() {
  const here = place();
  const store = storeOn(here);
  const appended: { readonly tx: unknown; readonly ids: readonly string[] }[] = [];
  const append = (tx: unknown, events: readonly SealedEvent[]): void => {
    appended.push({ tx, ids: events.map(({ id }) => id) });
  };
  const messaging = await serviceOn(here, {
    relay: false,
    store: { ...store, outbox: { ...store.outbox, append } },
  });
  return { appended, outbox: messaging.outbox };
}

function sqlTx<M extends "sync" | "async">(mode: M, open: boolean | undefined = true) {
  return {
    mode,
    placeholders: "?" as const,
    inTransaction: () => open,
    execute: () => {
      throw new Error("nothing is to be executed here");
    },
  } as unknown as M extends "sync" ? SyncSqlTx : SqlTx;
}

test("92. adding where certainly no transaction is open is refused: the event could commit without its change", async () => {
  const { appended, outbox } = await writing();
  const adding = outbox.add(sqlTx("async", false), Ticked({ n: 1 }));
  await expect(adding).rejects.toBeInstanceOf(OutsideTransactionError);
  await expect(adding).rejects.toMatchObject({ code: "STORE_OUTSIDE_TRANSACTION", retryable: false });
  expect(() => outbox.add(sqlTx("sync", false), Ticked({ n: 1 }))).toThrow(OutsideTransactionError);
  expect(appended).toEqual([]);
});

test("92. adding without a transaction is refused, also one event alone, which stands where the transaction should", async () => {
  const { appended, outbox } = await writing();
  const add = outbox.add as (...values: readonly unknown[]) => Promise<void>;
  for (const values of [
    [Ticked({ n: 1 })],
    [Ticked({ n: 1 }), Ticked({ n: 2 })],
    [],
    [undefined, Ticked({ n: 1 })],
  ])
    await expect(add(...values)).rejects.toBeInstanceOf(OutsideTransactionError);
  expect(appended).toEqual([]);
});

test("92. a handle that is no open transaction of the store is refused, and one that cannot tell is let through", async () => {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store, relay: false });
  await expect(messaging.outbox.add({} as never, Ticked({ n: 1 }))).rejects.toBeInstanceOf(
    OutsideTransactionError,
  );
  let ended: unknown;
  await store.transaction(async (tx) => {
    ended = tx;
  });
  await expect(messaging.outbox.add(ended as never, Ticked({ n: 1 }))).rejects.toMatchObject({
    code: "STORE_TRANSACTION_CLOSED",
  });
  const { appended, outbox } = await writing();
  await outbox.add(sqlTx("async", undefined), Ticked({ n: 1 }));
  expect(appended).toHaveLength(1);
});

test("91. a synchronous transaction gets its rows before add returns", async () => {
  const { appended, outbox } = await writing();
  const tx = sqlTx("sync");
  const answer: void = outbox.add(tx, Ticked({ n: 1 }, { id: "a" }), Ticked({ n: 2 }, { id: "b" }));
  expect(answer).toBeUndefined();
  expect(appended).toEqual([{ tx, ids: ["a", "b"] }]);
});

test("91. an asynchronous schema in a synchronous transaction is refused before any row is written", async () => {
  const { appended, outbox } = await writing();
  const { Slow } = slowEvent();
  const add = () => outbox.add(sqlTx("sync"), Ticked({ n: 1 }), Slow({ orderId: "1", note: "a" }));
  expect(add).toThrow(expect.objectContaining({ code: "CONTRACT_ASYNC_SCHEMA" }));
  expect(appended).toEqual([]);
});

test("64. one event that does not match its schema keeps all of the call from being written", async () => {
  const { appended, outbox } = await writing();
  const adding = outbox.add(sqlTx("async"), Ticked({ n: 1 }), Ticked({ n: "x" as never }));
  await expect(adding).rejects.toMatchObject({ code: "CONTRACT_INVALID_DATA" });
  expect(() => outbox.add(sqlTx("sync"), Ticked({ n: 1 }), Ticked({ n: "x" as never }))).toThrow(
    expect.objectContaining({ code: "CONTRACT_INVALID_DATA" }),
  );
  expect(appended).toEqual([]);
});

test("the outbox takes events only, and names itself in the refusal", async () => {
  const { outbox } = await writing();
  await expect(outbox.add(sqlTx("async"), Ship({ orderId: "1" }) as never)).rejects.toMatchObject({
    code: "USAGE_WRONG_KIND",
    message: `'${Ship.type}' is a command, and outbox.add takes an event.`,
  });
});

test("90. calls that nobody awaited keep their order, however many events each has", async () => {
  const { appended, outbox } = await writing();
  const many = Array.from({ length: 10 }, (_, n) => Ticked({ n }, { id: `a${n}` }));
  await Promise.all([
    outbox.add(sqlTx("async"), ...many),
    outbox.add(sqlTx("async"), Ticked({ n: 0 }, { id: "b" })),
  ]);
  expect(appended.map(({ ids }) => ids.at(-1))).toEqual(["a9", "b"]);
});

test("no events are no statement", async () => {
  const { appended, outbox } = await writing();
  await outbox.add(sqlTx("async"));
  outbox.add(sqlTx("sync"));
  expect(appended).toEqual([]);
});

test("105. id, key, subject, time, extensions and tenant of the draft reach the broker through the outbox", async () => {
  const here = place();
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  const draft = Placed(
    { orderId: "1" },
    {
      id: "draft",
      key: "other",
      subject: "orders/1",
      time: new Date("2020-01-01T00:00:00.000Z"),
      extensions: { priority: 5, urgent: true },
      tenant: "acme",
    },
  );
  await store.transaction(async (tx) => messaging.outbox.add(tx, draft));
  const { arrived } = await listenTo(here.broker, "com.acme.orders");
  await here.clock.advance(100);
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]).toMatchObject({
    key: "other",
    data: { orderId: "1" },
    contentType: "application/json",
    attributes: {
      id: "draft",
      source: "/test",
      partitionkey: "other",
      subject: "orders/1",
      time: "2020-01-01T00:00:00.000Z",
      priority: "5",
      urgent: "true",
      tenantid: "acme",
      correlationid: "draft",
    },
  });
});
