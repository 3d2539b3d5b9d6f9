import { expect, test } from "vitest";
import type { MemoryTx } from "../../src/memory/store/transaction.ts";
import { memoryStore } from "../../src/memory/store/store.ts";
import { commit, flushed, gate, idsOf, rows, sealed } from "./support/events.ts";

async function backlogOf(store: ReturnType<typeof memoryStore>): Promise<readonly string[]> {
  const lease = await store.relay.acquire("me", 1000);
  if (lease === undefined) throw new Error("no lease");
  return idsOf(await store.relay.read(lease, rows(1000)));
}

test("89. commit writes rows, outbox and inbox together; a rollback leaves none and rejects with the original error", async () => {
  const store = memoryStore();
  const work = async (tx: MemoryTx, id: string): Promise<void> => {
    await tx.put("orders", id, { id });
    await store.outbox.append(tx, [sealed(id)]);
    expect(await store.inbox.register(tx, "shipping", [id])).toEqual(new Set([id]));
  };
  const failure = new Error("no stock");
  await expect(
    store.transaction(async (tx) => {
      await work(tx, "lost");
      throw failure;
    }),
  ).rejects.toBe(failure);
  expect([store.rows("orders"), await backlogOf(store)]).toEqual([new Map(), []]);
  expect(await store.transaction(async (tx) => work(tx, "kept").then(() => "result"))).toBe("result");
  expect([store.rows("orders"), await backlogOf(store)]).toEqual([
    new Map([["kept", { id: "kept" }]]),
    ["kept"],
  ]);
  await store.transaction(async (tx) => {
    expect(await store.inbox.register(tx, "shipping", ["lost", "kept"])).toEqual(new Set(["lost"]));
  });
});

test("89. a savepoint that fails takes back its rows, events and marks, and nothing else", async () => {
  const store = memoryStore();
  await store.transaction(async (tx) => {
    await tx.put("orders", "1", "outer");
    await store.outbox.append(tx, [sealed("outer")]);
    const failing = tx.savepoint(async () => {
      await tx.put("orders", "1", "inner");
      await tx.put("orders", "2", "inner");
      await tx.savepoint(async () => tx.put("orders", "3", "innermost"));
      await store.outbox.append(tx, [sealed("inner")]);
      await store.inbox.register(tx, "shipping", ["m"]);
      expect([...(await tx.rows("orders")).values()]).toEqual(["inner", "inner", "innermost"]);
      throw new Error("back");
    });
    await expect(failing).rejects.toThrow("back");
    expect(await tx.get("orders", "1")).toBe("outer");
    expect(await store.inbox.register(tx, "shipping", ["m"])).toEqual(new Set(["m"]));
    expect(await tx.savepoint(async () => tx.put("orders", "4", "kept").then(() => "result"))).toBe("result");
  });
  expect(store.rows("orders")).toEqual(
    new Map([
      ["1", "outer"],
      ["4", "kept"],
    ]),
  );
  expect(await backlogOf(store)).toEqual(["outer"]);
});

test("90. two appends in one transaction are one ordered set", async () => {
  const store = memoryStore();
  await store.transaction(async (tx) => {
    await store.outbox.append(tx, [sealed("a"), sealed("b")]);
    await store.outbox.append(tx, [sealed("c")]);
  });
  expect(await backlogOf(store)).toEqual(["a", "b", "c"]);
});

test("a transaction sees its own writes, and others only what is committed", async () => {
  const store = memoryStore();
  await store.transaction(async (tx) => tx.put("orders", "1", "old"));
  const [written, done] = [gate(), gate()];
  const writer = store.transaction(async (tx) => {
    await tx.put("orders", "1", "new");
    await tx.put("orders", "2", "new");
    expect(await tx.delete("orders", "2")).toBe(true);
    expect(await tx.delete("orders", "2")).toBe(false);
    expect(await tx.rows("orders")).toEqual(new Map([["1", "new"]]));
    written.open();
    await done.opened;
  });
  await written.opened;
  await store.transaction(async (tx) => {
    expect(await tx.get("orders", "1")).toBe("old");
    expect(store.rows("orders")).toEqual(new Map([["1", "old"]]));
    done.open();
    await writer;
    expect(await tx.get("orders", "1")).toBe("new");
  });
});

test("values are copied on their way in and out", async () => {
  const store = memoryStore();
  const order = { lines: [1] };
  await store.transaction(async (tx) => {
    await tx.put("orders", "1", order);
    order.lines.push(2);
    const read = await tx.get("orders", "1");
    expect(read).toEqual({ lines: [1] });
    Object.assign(read as object, { lines: [] });
  });
  Object.assign(store.rows("orders").get("1") as object, { lines: [] });
  expect(store.rows("orders").get("1")).toEqual({ lines: [1] });
});

test("changing a row waits for the transaction that changed it, in the order of coming", async () => {
  const store = memoryStore();
  const order: string[] = [];
  const first = gate();
  const write = async (name: string, until: Promise<void>): Promise<void> =>
    store.transaction(async (tx) => {
      await tx.put("orders", "1", name);
      order.push(name);
      await until;
    });
  const all = [write("a", first.opened), write("b", Promise.resolve()), write("c", Promise.resolve())];
  const other = store.transaction(async (tx) => tx.put("orders", "2", "free"));
  await other;
  await flushed();
  expect(order).toEqual(["a"]);
  first.open();
  await Promise.all(all);
  expect([order, store.rows("orders").get("1")]).toEqual([["a", "b", "c"], "c"]);
});

test("a deadlock fails the transaction that closes the ring, isRetryable, and the other one goes on", async () => {
  const store = memoryStore();
  const both = [gate(), gate()] as const;
  const cross = async (mine: 0 | 1): Promise<void> =>
    store.transaction(async (tx) => {
      await tx.put("orders", `${mine}`, mine);
      both[mine].open();
      await Promise.all(both.map((each) => each.opened));
      await tx.put("orders", `${1 - mine}`, mine);
    });
  const [first, second] = await Promise.allSettled([cross(0), cross(1)]);
  expect(first.status).toBe("fulfilled");
  expect(second).toMatchObject({
    status: "rejected",
    reason: { code: "STORE_FAILED", context: { reason: "deadlock" } },
  });
  expect(second.status === "rejected" && store.isRetryable?.(second.reason)).toBe(true);
  expect(store.rows("orders")).toEqual(
    new Map([
      ["0", 0],
      ["1", 0],
    ]),
  );
});

test("a ring of three is a deadlock too, and a transaction that swallows it cannot commit", async () => {
  const store = memoryStore();
  const ready = [gate(), gate(), gate()];
  const turn = async (at: number): Promise<void> =>
    store.transaction(async (tx) => {
      await tx.put("rows", `${at}`, at);
      ready[at]?.open();
      await Promise.all(ready.map((each) => each.opened));
      await tx.put("rows", `${(at + 1) % 3}`, at).catch(() => undefined);
    });
  const ends = await Promise.allSettled([0, 1, 2].map(turn));
  expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "fulfilled", "rejected"]);
});

test("above `read committed` a transaction fails, isRetryable, when what it read was changed", async () => {
  const store = memoryStore();
  await store.transaction(async (tx) => tx.put("stock", "a", 1));
  for (const read of [
    async (tx: MemoryTx) => tx.get("stock", "a"),
    async (tx: MemoryTx) => tx.get("stock", "new"),
    async (tx: MemoryTx) => tx.rows("stock"),
  ]) {
    const conflicting = store.transaction(
      async (tx) => {
        await read(tx);
        await store.transaction(async (other) => {
          await other.put("stock", "a", 2);
          await other.delete("stock", "new");
          await other.put("stock", "new", 1);
        });
        await tx.put("orders", "1", "from stale stock");
      },
      { isolation: "serializable" },
    );
    const error: unknown = await conflicting.catch((thrown: unknown) => thrown);
    expect(store.isRetryable?.(error)).toBe(true);
    expect(store.rows("orders")).toEqual(new Map());
  }
  await store.transaction(async (tx) => tx.put("orders", "2", await tx.get("stock", "a")), {
    isolation: "serializable",
  });
  expect(store.rows("orders")).toEqual(new Map([["2", 2]]));
});

test("a handle is revoked at the end of its transaction, also what still waits for a row", async () => {
  const store = memoryStore();
  const handles: MemoryTx[] = [];
  await store.transaction(async (tx) => void handles.push(tx));
  const [tx] = handles;
  if (tx === undefined) throw new Error("no handle");
  const closed = { code: "STORE_TRANSACTION_CLOSED" };
  await expect(tx.get("orders", "1")).rejects.toMatchObject(closed);
  await expect(tx.put("orders", "1", 1)).rejects.toMatchObject(closed);
  await expect(tx.savepoint(async () => undefined)).rejects.toMatchObject(closed);
  await expect(store.outbox.append(tx, [sealed("late")])).rejects.toMatchObject(closed);
  await expect(store.inbox.register(tx, "shipping", ["m"])).rejects.toMatchObject(closed);
  const free = gate();
  const holder = store.transaction(async (holding) => {
    await holding.put("orders", "1", 1);
    await free.opened;
  });
  let waiting: Promise<void> | undefined;
  await store.transaction(async (impatient) => {
    waiting = impatient.put("orders", "1", 2);
    waiting.catch(() => undefined);
  });
  await expect(waiting).rejects.toMatchObject(closed);
  free.open();
  await holder;
  expect(store.rows("orders")).toEqual(new Map([["1", 1]]));
});

test("92. the outbox refuses what is no transaction of this store, and SQL by name", async () => {
  const [store, other] = [memoryStore(), memoryStore()];
  const sql = {
    mode: "async",
    placeholders: "?",
    inTransaction: () => true,
    execute: async () => ({ rows: [], affected: 0 }),
  } as const;
  await expect(store.outbox.append(sql, [sealed("a")])).rejects.toMatchObject({ code: "USAGE_WRONG_KIND" });
  await other.transaction(async (tx) => {
    await expect(store.outbox.append(tx, [sealed("a")])).rejects.toMatchObject({
      code: "STORE_OUTSIDE_TRANSACTION",
    });
    expect(() => store.enlist(tx)).toThrow(expect.objectContaining({ code: "USAGE_WRONG_KIND" }));
  });
  const nothing: unknown = undefined;
  await expect(store.outbox.append(nothing as MemoryTx, [])).rejects.toMatchObject({
    code: "STORE_OUTSIDE_TRANSACTION",
  });
});

test("savepoints of one transaction that overlap fail it", async () => {
  const store = memoryStore();
  const [first, second] = [gate(), gate()];
  const overlapping = store.transaction(async (tx) => {
    const slow = tx.savepoint(async () => first.opened);
    const quick = tx.savepoint(async () => second.opened);
    first.open();
    await slow.catch(() => undefined);
    second.open();
    await quick.catch(() => undefined);
  });
  await expect(overlapping).rejects.toMatchObject({ code: "STORE_FAILED", retryable: false });
});

test("148. clear forgets everything, twice as once, and what was open cannot commit", async () => {
  const store = memoryStore();
  await commit(store, sealed("a"), sealed("b", { key: "k" }));
  await store.transaction(async (tx) => {
    await tx.put("orders", "1", 1);
    await store.inbox.register(tx, "shipping", ["m"]);
  });
  const lease = await store.relay.acquire("me", 1000);
  if (lease === undefined) throw new Error("no lease");
  const [, keyed] = await store.relay.read(lease, rows(10));
  if (keyed === undefined) throw new Error("no event");
  await store.relay.park(lease, [
    { event: keyed, status: "dead", attempts: 1, waitMs: undefined, error: undefined },
  ]);
  const late = store.transaction(async (tx) => {
    await tx.put("orders", "2", 2);
    store.clear();
    store.clear();
  });
  await expect(late).rejects.toMatchObject({ code: "STORE_FAILED", context: { reason: "cleared" } });
  expect(await store.relay.status()).toEqual({
    backlog: 0,
    oldestAgeMs: undefined,
    parked: 0,
    dead: 0,
    owner: undefined,
    pausedAtMs: undefined,
    inexact: [],
  });
  expect(store.rows("orders")).toEqual(new Map());
  await store.transaction(async (tx) => {
    expect(await store.inbox.register(tx, "shipping", ["m"])).toEqual(new Set(["m"]));
  });
});

test("assertSchema and close do nothing that could be missed: what is stored stays", async () => {
  const store = memoryStore();
  await store.assertSchema();
  await commit(store, sealed("a"));
  await store.close();
  await store.close();
  expect(await backlogOf(store)).toEqual(["a"]);
});
