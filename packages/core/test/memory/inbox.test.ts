import { expect, test } from "vitest";
import { memoryStore } from "../../src/memory/store/store.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { flushed, gate } from "./support/events.ts";

function inboxOf(store: ReturnType<typeof memoryStore>) {
  return async (consumer: string, ...ids: readonly string[]): Promise<readonly string[]> =>
    store.transaction(async (tx) => [...(await store.inbox.register(tx, consumer, ids))]);
}

test("114. the same id twice, one after the other, is new once", async () => {
  const register = inboxOf(memoryStore());
  expect([await register("shipping", "m"), await register("shipping", "m")]).toEqual([["m"], []]);
});

test("118. the key is the consumer and the id: two consumers of one event each run", async () => {
  const register = inboxOf(memoryStore());
  expect([await register("shipping", "m"), await register("billing", "m")]).toEqual([["m"], ["m"]]);
  expect([await register("a", `b","c`), await register(`a","b`, "c")]).toEqual([[`b","c`], ["c"]]);
});

test("119. an id given twice counts once, and the answer keeps the order of the question", async () => {
  const register = inboxOf(memoryStore());
  await register("shipping", "known");
  expect(await register("shipping", "z", "known", "a", "z")).toEqual(["z", "a"]);
});

test("115. of ten transactions with one id at the same time one is first; the others wait, and find a duplicate", async () => {
  const store = memoryStore();
  const free = gate();
  const answers: number[] = [];
  const ten = Array.from({ length: 10 }, () =>
    store.transaction(async (tx) => {
      answers.push((await store.inbox.register(tx, "shipping", ["m"])).size);
      await free.opened;
    }),
  );
  await flushed();
  expect(answers).toEqual([1]);
  free.open();
  await Promise.all(ten);
  expect(answers.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

test("121. of two transactions with one id the second runs when the first rolls back", async () => {
  const store = memoryStore();
  const fail = gate();
  const first = store.transaction(async (tx) => {
    await store.inbox.register(tx, "shipping", ["m"]);
    await fail.opened;
    throw new Error("handler failed");
  });
  const second = inboxOf(store)("shipping", "m");
  await flushed();
  fail.open();
  await expect(first).rejects.toThrow("handler failed");
  expect(await second).toEqual(["m"]);
});

test("two batches with the same ids in different orders do not lock each other out", async () => {
  const register = inboxOf(memoryStore());
  const ids = Array.from({ length: 20 }, (_, at) => `m${at}`);
  const [one, two] = await Promise.all([
    register("shipping", ...ids),
    register("shipping", ...ids.toReversed()),
  ]);
  expect([one.length, two.length].toSorted((a, b) => a - b)).toEqual([0, 20]);
});

test("117. work that committed before a crash is a duplicate afterwards", async () => {
  const store = memoryStore();
  const handle = async (): Promise<boolean> =>
    store.transaction(async (tx) => {
      const fresh = await store.inbox.register(tx, "shipping", ["m"]);
      if (fresh.size > 0) await tx.put("parcels", "1", "booked");
      return fresh.size > 0;
    });
  expect(await handle()).toBe(true);
  expect(await handle()).toBe(false);
});

test("marks of this very transaction can be taken back; those of others stay", async () => {
  const store = memoryStore();
  const register = inboxOf(store);
  await register("shipping", "old");
  await store.transaction(async (tx) => {
    await store.inbox.register(tx, "shipping", ["a", "b"]);
    await store.inbox.unregister(tx, "shipping", ["a", "old"]);
    expect(await store.inbox.register(tx, "shipping", ["b", "old"])).toEqual(new Set());
    const back = tx.savepoint(async () => {
      await store.inbox.unregister(tx, "shipping", ["b"]);
      throw new Error("back");
    });
    await expect(back).rejects.toThrow("back");
  });
  expect(await register("shipping", "a", "b", "old")).toEqual(["a"]);
});

test("120. prune forgets marks older than asked, in bounded steps, and tells how many", async () => {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  const register = inboxOf(store);
  await register("shipping", "1", "2", "3", "4", "5");
  await clock.advance(1000);
  await register("shipping", "young");
  expect(await store.inbox.prune({ olderThanMs: 1000 })).toBe(0);
  await clock.advance(1);
  expect(await store.inbox.prune({ olderThanMs: 1000, signal: AbortSignal.abort() })).toBe(0);
  const abort = new AbortController();
  const pruning = store.inbox.prune({ olderThanMs: 1000, batchSize: 2, signal: abort.signal });
  abort.abort();
  expect(await pruning).toBe(2);
  expect(await store.inbox.prune({ olderThanMs: 1000, batchSize: 2 })).toBe(3);
  expect(await register("shipping", "1", "young")).toEqual(["1"]);
  await expect(store.inbox.prune({ olderThanMs: -1, batchSize: 0 })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [
      "olderThanMs: must be a number of milliseconds from 0",
      "batchSize: must be a whole number from 1",
    ],
  });
});
