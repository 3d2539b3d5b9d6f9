import { expect, test } from "vitest";
import type { ParkedResult, ParkedStatus, ParkRequest, RelayLease } from "../../src/contracts/relay-store.ts";
import type { StoredEvent } from "../../src/contracts/outbox.ts";
import { MessagingError } from "../../src/errors.ts";
import { memoryStore, type MemoryStore } from "../../src/memory/store/store.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { commit, flushed, gate, idsOf, rows, sealed } from "./support/events.ts";

const refused = new MessagingError("TRANSPORT_TOO_LARGE", "too large");

async function leased(store: MemoryStore, owner = "me"): Promise<RelayLease> {
  const lease = await store.relay.acquire(owner, 10_000);
  if (lease === undefined) throw new Error("no lease");
  return lease;
}

function parking(event: StoredEvent | undefined, status: ParkedStatus, waitMs?: number): ParkRequest {
  if (event === undefined) throw new Error("no event");
  const tried = status !== "held";
  return { event, status, attempts: tried ? 1 : 0, waitMs, error: tried ? refused : undefined };
}

/** Three events of one key and one of another; the first refused, the next two held behind it. */
async function parked(first: "retry" | "dead" = "retry") {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  const lease = await leased(store);
  await commit(
    store,
    ...["a1", "a2", "a3"].map((id) => sealed(id, { key: "a" })),
    sealed("b1", { key: "b" }),
  );
  const [a1, a2, a3] = await store.relay.read(lease, rows(10));
  const waitMs = first === "retry" ? 100 : undefined;
  await store.relay.park(lease, [parking(a1, first, waitMs), parking(a2, "held"), parking(a3, "held")]);
  const due = async () => (await store.relay.due(lease, rows(1_000))).events;
  const settle = async (...results: readonly ParkedResult[]) => {
    const events = await due();
    const settlements = results.map((result, at) => {
      const event = events[at];
      if (event === undefined) throw new Error("nothing due");
      return { event, result };
    });
    return store.relay.settleParked(lease, settlements);
  };
  return { clock, store, lease, due, settle };
}

test("read gives the oldest committed rows in position order, at most the limit, and again until they are confirmed", async () => {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  const lease = await leased(store);
  const event = sealed("a", { key: "k", shard: 7, extensions: { comacme: true, count: 3 }, tenant: "t" });
  await commit(store, event, sealed("b"), sealed("c"));
  const [first, second] = await store.relay.read(lease, rows(2));
  expect(first).toEqual({
    ...event,
    payload: new Uint8Array(event.payload ?? []),
    position: first?.position,
    storedAtMs: clock.now(),
  });
  expect([second?.id, (first?.position ?? "") < (second?.position ?? "")]).toEqual(["b", true]);
  expect(idsOf(await store.relay.read(lease, rows(2)))).toEqual(["a", "b"]);
});

test("confirm removes exactly these rows; removing one twice is a no-op", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  await commit(store, sealed("a"), sealed("b"), sealed("c"));
  const [, b] = await store.relay.read(lease, rows(3));
  if (b === undefined) throw new Error("no event");
  await store.relay.confirm(lease, [b]);
  await store.relay.confirm(lease, [b]);
  expect(idsOf(await store.relay.read(lease, rows(3)))).toEqual(["a", "c"]);
});

test("96. a row that commits late is read whatever was read before, in its place", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  const [appended, end] = [gate(), gate()];
  const late = store.transaction(async (tx) => {
    await store.outbox.append(tx, [sealed("late")]);
    appended.open();
    await end.opened;
  });
  await appended.opened;
  await commit(store, sealed("early"));
  const before = await store.relay.read(lease, rows(10));
  expect(idsOf(before)).toEqual(["early"]);
  end.open();
  await late;
  await commit(store, sealed("next"));
  const after = await store.relay.read(lease, rows(10));
  expect(idsOf(after)).toEqual(["late", "early", "next"]);
  await store.relay.confirm(lease, before);
  expect(idsOf(await store.relay.read(lease, rows(10)))).toEqual(["late", "next"]);
});

test("what is stored cannot be changed from outside", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  const payload = Buffer.from("text");
  await commit(store, sealed("a", { payload }));
  payload.fill(0);
  const [read] = await store.relay.read(lease, rows(1));
  read?.payload?.fill(0);
  const [again] = await store.relay.read(lease, rows(1));
  expect(Buffer.from(again?.payload ?? []).toString()).toBe("text");
});

test("a commit with events signals, one without does not, and a listener that throws harms nobody", async () => {
  const store = memoryStore();
  let heard = 0;
  store.outbox.onSignal(() => {
    throw new Error("listener");
  });
  const end = store.outbox.onSignal(() => (heard += 1));
  await commit(store, sealed("a"));
  await store.transaction(async (tx) => tx.put("orders", "1", 1));
  await store
    .transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("b")]);
      throw new Error("back");
    })
    .catch(() => undefined);
  expect(heard).toBe(1);
  store.outbox.signal();
  end();
  store.outbox.signal();
  expect(heard).toBe(2);
});

test("100. one owner holds the lease; another gets it when it was released or has run out, with a higher epoch", async () => {
  const clock = fakeClock();
  const { relay } = memoryStore({ clock });
  const first = await relay.acquire("one", 1000);
  expect(first).toEqual({ owner: "one", epoch: 1 });
  expect(await relay.acquire("two", 1000)).toBeUndefined();
  if (first === undefined) return;
  await clock.advance(999);
  expect(await relay.renew(first, 1000)).toBe(true);
  await clock.advance(999);
  expect(await relay.acquire("two", 1000)).toBeUndefined();
  await clock.advance(1);
  // Run out, and nobody has taken it: still ours to renew.
  expect(await relay.renew(first, 1000)).toBe(true);
  await clock.advance(1000);
  const second = await relay.acquire("two", 1000);
  expect(second).toMatchObject({ owner: "two", epoch: 2 });
  expect(await relay.renew(first, 1000)).toBe(false);
  await relay.release(first);
  expect((await relay.status()).owner).toBe("two");
  if (second === undefined) return;
  await relay.release(second);
  expect((await relay.status()).owner).toBeUndefined();
  expect(await relay.acquire("one", 1000)).toMatchObject({ epoch: 3 });
});

test("100. an owner that slept past its lease can neither park nor settle what is parked", async () => {
  const { store, lease, clock } = await parked();
  await clock.advance(20_000);
  const next = await leased(store, "standby");
  const [due] = (await store.relay.due(next, rows(1))).events;
  const [event] = await store.relay.read(next, rows(1));
  if (due === undefined || event === undefined) throw new Error("nothing there");
  const lost = { code: "STORE_LEASE_LOST" };
  await expect(store.relay.park(lease, [parking(event, "dead")])).rejects.toMatchObject(lost);
  await expect(
    store.relay.settleParked(lease, [{ event: due, result: { kind: "published" } }]),
  ).rejects.toMatchObject(lost);
  expect(await store.relay.status()).toMatchObject({ backlog: 1, parked: 3, dead: 0 });
});

test("101. park moves rows: they are in one of the two places, and visible with their failure", async () => {
  const { store, lease, clock } = await parked();
  expect(idsOf(await store.relay.read(lease, rows(10)))).toEqual(["b1"]);
  expect(await store.relay.status()).toMatchObject({ backlog: 1, parked: 3, dead: 0, owner: "me" });
  expect(await store.relay.heldKeys(lease)).toEqual([{ channel: "com.acme.orders", key: "a" }]);
  const all = await store.relay.parked({});
  expect(all.map(({ id, status, attempts, lastError }) => [id, status, attempts, lastError])).toEqual([
    ["a1", "retry", 1, "TRANSPORT_TOO_LARGE: too large"],
    ["a2", "held", 0, undefined],
    ["a3", "held", 0, undefined],
  ]);
  expect(all[0]).toMatchObject({ nextAttemptAtMs: clock.now() + 100, parkedAtMs: clock.now() });
  expect(idsOf(await store.relay.parked({ status: "held", limit: 1 }))).toEqual(["a2"]);
  expect(idsOf(await store.relay.parked({ key: "b" }))).toEqual([]);
});

test("a row that was confirmed meanwhile is not parked, and one parked twice is parked once", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  await commit(store, sealed("a"), sealed("b"));
  const [a, b] = await store.relay.read(lease, rows(2));
  if (a === undefined) throw new Error("no event");
  await store.relay.confirm(lease, [a]);
  await store.relay.park(lease, [parking(a, "dead"), parking(b, "dead")]);
  await store.relay.park(lease, [parking(b, "retry", 0)]);
  expect((await store.relay.parked({})).map(({ id, status }) => [id, status])).toEqual([["b", "dead"]]);
});

test("a parked row is due at its time, with the rows that wait behind it, and `published` removes each", async () => {
  const { clock, store, lease, due, settle } = await parked();
  expect(idsOf(await due())).toEqual([]);
  expect((await store.relay.due(lease, rows(10))).nextInMs).toBe(100);
  await clock.advance(100);
  expect((await store.relay.due(lease, rows(10))).nextInMs).toBeUndefined();
  expect((await due()).map(({ id, status, attempts }) => [id, status, attempts])).toEqual([
    ["a1", "retry", 1],
    ["a2", "held", 0],
    ["a3", "held", 0],
  ]);
  expect(await settle({ kind: "published" })).toEqual([]);
  expect((await due()).map(({ id, status, attempts }) => [id, status, attempts])).toEqual([
    ["a2", "retry", 0],
    ["a3", "held", 0],
  ]);
  expect(await settle({ kind: "discarded" }, { kind: "published" })).toEqual([
    { channel: "com.acme.orders", key: "a" },
  ]);
  expect([await due(), await store.relay.heldKeys(lease)]).toEqual([[], []]);
});

test("one key takes a quarter of the rows of a page, and the bytes are those of the data", async () => {
  const { clock, store, lease } = await parked();
  const payload = Buffer.alloc(1_000);
  await commit(store, ...["c1", "c2", "c3"].map((id) => sealed(id, { key: "c", payload })));
  const [, ...events] = await store.relay.read(lease, rows(10));
  const [c1, ...behind] = events;
  await store.relay.park(lease, [parking(c1, "retry", 0), ...behind.map((event) => parking(event, "held"))]);
  await clock.advance(100);
  const due = async (maxRows: number, maxBytes: number) =>
    idsOf((await store.relay.due(lease, { maxRows, maxBytes })).events);
  expect(await due(8, 1_000_000)).toEqual(["c1", "c2", "a1", "a2"]); // who waits longest first
  expect(await due(3, 1_000_000)).toEqual(["c1", "a1"]);
  expect(await due(100, 2_500)).toEqual(["c1", "c2"]);
  expect(await due(100, 1)).toEqual(["c1"]);
});

test("retries go by durations: setting the time of day neither hastens nor delays them", async () => {
  const { clock, due } = await parked();
  clock.setNow(clock.now() - 3_600_000);
  await clock.advance(99);
  expect(idsOf(await due())).toEqual([]);
  await clock.advance(1);
  expect(idsOf(await due())).toEqual(["a1", "a2", "a3"]);
});

test("`retry` counts and waits again, with the followers behind it", async () => {
  const { clock, due, settle } = await parked();
  await clock.advance(100);
  await settle({ kind: "retry", attempts: 2, waitMs: 500, error: refused });
  expect(idsOf(await due())).toEqual([]);
  await clock.advance(500);
  expect((await due()).map(({ id, attempts }) => [id, attempts])).toEqual([
    ["a1", 2],
    ["a2", 0],
    ["a3", 0],
  ]);
});

test("`dead` with hold-key keeps the followers; with skip they go on, and the key is free after them", async () => {
  for (const onDead of ["hold-key", "skip"] as const) {
    const { clock, store, lease, due, settle } = await parked();
    await clock.advance(100);
    await settle({ kind: "dead", attempts: 2, error: refused, onDead });
    expect(idsOf(await due())).toEqual(onDead === "skip" ? ["a2", "a3"] : []);
    expect(await store.relay.status()).toMatchObject({ parked: 3, dead: 1 });
    expect(await store.relay.heldKeys(lease)).toHaveLength(1);
    if (onDead === "hold-key") continue;
    await settle({ kind: "published" });
    await settle({ kind: "published" });
    expect([idsOf(await due()), await store.relay.heldKeys(lease)]).toEqual([[], []]);
  }
});

test("parked rows without a key, and of one key in two channels, hold nobody but their own", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  const elsewhere = { key: "k", channel: "com.acme.stock" };
  await commit(store, sealed("1"), sealed("2"), sealed("3", { key: "k" }), sealed("4", elsewhere));
  const events = await store.relay.read(lease, rows(4));
  await store.relay.park(lease, [
    parking(events[0], "dead"),
    parking(events[1], "retry", 0),
    parking(events[2], "dead"),
    parking(events[3], "retry", 0),
  ]);
  expect(idsOf((await store.relay.due(lease, rows(10))).events)).toEqual(["2", "4"]);
  expect(idsOf((await store.relay.due(lease, rows(1))).events)).toEqual(["2"]);
  expect(await store.relay.heldKeys(lease)).toEqual([
    { channel: "com.acme.orders", key: "k" },
    { channel: "com.acme.stock", key: "k" },
  ]);
});

test("101. people make dead rows due again, with attempts from 0, or drop them: then the next is due", async () => {
  const { store, due } = await parked("dead");
  const [dead] = await store.relay.parked({ status: "dead" });
  if (dead === undefined) throw new Error("nothing dead");
  expect(await store.relay.retryParked([dead.position, "nowhere"])).toBe(1);
  expect((await due()).map(({ id, attempts }) => [id, attempts])[0]).toEqual(["a1", 0]);
  expect(await store.relay.discardParked([dead.position, "nowhere"])).toBe(1);
  expect(await store.relay.discardParked([dead.position])).toBe(0);
  expect(idsOf(await due())).toEqual(["a2", "a3"]);
});

test("a row that people make due still waits behind an earlier one of its key", async () => {
  const { clock, store, due } = await parked();
  const [held] = await store.relay.parked({ status: "held" });
  expect(await store.relay.retryParked([held?.position ?? ""])).toBe(1);
  expect(idsOf(await due())).toEqual([]);
  await clock.advance(100);
  expect(idsOf(await due())).toEqual(["a1"]);
});

test("the status tells backlog and the age of the oldest row", async () => {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  await commit(store, sealed("a"));
  await clock.advance(250);
  await commit(store, sealed("b"));
  expect(await store.relay.status()).toEqual({
    backlog: 2,
    oldestAgeMs: 250,
    parked: 0,
    dead: 0,
    owner: undefined,
    pausedAtMs: undefined,
    inexact: [],
  });
});

test("10,000 rows are read and confirmed by hundreds, those that came late among them", async () => {
  const store = memoryStore();
  const lease = await leased(store);
  const end = gate();
  const late = store.transaction(async (tx) => {
    await store.outbox.append(tx, [sealed("late")]);
    await end.opened;
  });
  await flushed();
  await commit(store, ...Array.from({ length: 10_000 }, (_, at) => sealed(`${at}`)));
  const seen: string[] = [];
  for (
    let page = await store.relay.read(lease, rows(100));
    page.length > 0;
    page = await store.relay.read(lease, rows(100))
  ) {
    seen.push(...idsOf(page));
    await store.relay.confirm(lease, page);
    if (seen.length === 5_000) {
      end.open();
      await late;
    }
  }
  expect(seen.toSpliced(5_000, 1)).toEqual(Array.from({ length: 10_000 }, (_, at) => `${at}`));
  expect(seen[5_000]).toBe("late");
});
