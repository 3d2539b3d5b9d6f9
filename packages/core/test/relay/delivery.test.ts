import { memoryStore, MessagingError, type MemoryTx, type PublishOutcome } from "@postrider/core";
import { expect, test } from "vitest";
import { commit, gate, idsOf, rows, sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { until } from "../support/recorder.ts";
import { changedPublisher, place, serviceOn, storeOn } from "../support/services.ts";
import { Ticked } from "../support/orders.ts";
import { backlogOf, changedRelayStore, refusing, relayOn, rejected, storeDown } from "./support/relays.ts";

const orders = "com.acme.orders";

const many = (count: number, parts: (n: number) => Parameters<typeof sealed>[1] = () => ({})) =>
  Array.from({ length: count }, (_, n) => sealed(String(n), parts(n)));

test("89. events of a committed transaction are published, those of one rolled back never are", async () => {
  const here = place();
  const store = storeOn(here);
  const relay = await relayOn(here, store);
  await commit(store, sealed("a"), sealed("b"));
  await expect(
    store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("c")]);
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(await relay.drainOnce()).toBe(2);
  const { arrived } = await listenTo(here.broker, orders);
  await until("both arrived", () => arrived.length === 2);
  expect(idsOf(arrived as never)).toEqual(["a", "b"]);
  expect(await backlogOf(store)).toBe(0);
});

test("95. a broker that is down for minutes costs nothing: the backlog drains in order, nothing is parked or counted", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const relay = await relayOn(here, store, { batchSize: 20 });
  relay.start();
  here.broker.stop();
  for (let n = 0; n < 50; n += 1) {
    await commit(store, sealed(String(n), { key: n % 2 === 0 ? "even" : "odd" }));
    await here.clock.advance(6_000);
  }
  expect(await relay.status()).toMatchObject({ state: "waiting-for-broker", backlog: 50, parked: 0 });
  here.broker.start();
  await here.clock.advance(10_000);
  await until("all arrived", () => arrived.length >= 50);
  const first = [...new Set(arrived.map(({ id }) => Number(id)))];
  expect(first.filter((n) => n % 2 === 0)).toEqual(Array.from({ length: 25 }, (_, n) => n * 2));
  expect(first.filter((n) => n % 2 === 1)).toEqual(Array.from({ length: 25 }, (_, n) => n * 2 + 1));
  expect(await relay.status()).toMatchObject({
    state: "leading",
    backlog: 0,
    parked: 0,
    lastError: undefined,
  });
  expect(here.logger.lines.map(({ message }) => message)).toEqual([
    "The relay waits for the broker; nothing is lost or counted",
    "The relay goes on",
  ]);
});

test("96. a transaction that drew its number first and commits last is not skipped", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const relay = await relayOn(here, store);
  relay.start();
  const [drawn, finish] = [gate(), gate()];
  const late = store.transaction(async (tx: MemoryTx) => {
    await store.outbox.append(tx, [sealed("late")]);
    drawn.open();
    await finish.opened;
  });
  await drawn.opened;
  await commit(store, sealed("early"));
  await here.clock.advance(100);
  expect(arrived.map(({ id }) => id)).toEqual(["early"]);
  finish.open();
  await late;
  await here.clock.advance(100);
  expect(arrived.map(({ id }) => id)).toEqual(["early", "late"]);
});

test("97. a transaction that stays open for an hour holds up nobody else's events", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const relay = await relayOn(here, store);
  relay.start();
  const [drawn, finish] = [gate(), gate()];
  const long = store.transaction(async (tx: MemoryTx) => {
    await store.outbox.append(tx, [sealed("long", { key: "k" })]);
    drawn.open();
    await finish.opened;
  });
  await drawn.opened;
  for (let n = 0; n < 60; n += 1) {
    await commit(store, sealed(String(n), { key: "other" }));
    await here.clock.advance(60_000);
    expect(arrived).toHaveLength(n + 1);
  }
  finish.open();
  await long;
  await here.clock.advance(100);
  expect(arrived.at(-1)?.id).toBe("long");
});

test("102. a page is confirmed as far as the broker has it, and the rest is sent again", async () => {
  const here = place();
  const store = storeOn(here);
  let broken = true;
  const transport = changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      if (!broken) return real.publish(batch, bounds);
      const half = await real.publish(batch.slice(0, 2), bounds);
      const error = new MessagingError("TRANSPORT_OUTCOME_UNKNOWN", "the connection broke");
      return [
        ...half,
        ...batch.slice(2).map((): PublishOutcome => ({ status: "unknown", scope: "broker", error })),
      ];
    },
  }));
  const relay = await relayOn(here, store, { transport });
  await commit(store, ...many(5));
  expect(await relay.drainOnce()).toBe(2);
  const left = await store.relay.read({ owner: "", epoch: 0 }, rows(10));
  expect(left.map(({ id }) => id)).toEqual(["2", "3", "4"]);
  broken = false;
  expect(await relay.drainOnce()).toBe(3);
  expect(await store.relay.parked({})).toEqual([]);
});

test("34. events of one key go one behind the other, also over pages, and those of other keys side by side", async () => {
  const here = place();
  const store = storeOn(here);
  const runs: string[][] = [];
  const transport = changedPublisher(here, (real) => ({
    publishRun: (run, bounds) => {
      runs.push(run.map(({ channel, key = "" }) => `${channel} ${key}`));
      return real.publishRun(run, bounds);
    },
  }));
  const { arrived } = await listenTo(here.broker, orders, "com.acme.other");
  const relay = await relayOn(here, store, { transport, batchSize: 10 });
  await commit(
    store,
    ...many(40, (n) => ({ key: `k${n % 3}`, channel: n % 2 === 0 ? orders : "com.acme.other" })),
  );
  expect(await relay.drainOnce()).toBe(40);
  await until("all arrived", () => arrived.length === 40);
  for (const channel of [orders, "com.acme.other"]) {
    for (const key of ["k0", "k1", "k2"]) {
      const ids = arrived
        .filter((one) => one.channel === channel && one.key === key)
        .map(({ id }) => Number(id));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }
  }
  // The same key in two channels is two keys.
  expect(runs.map((run) => new Set(run).size)).toEqual(runs.map(() => 1));
  expect(Math.max(...runs.map((run) => run.length))).toBeGreaterThan(1);
});

test("a transport that confirms behind a gap of one key is not believed: what stands behind is sent again", async () => {
  const here = place();
  const store = storeOn(here);
  let calls = 0;
  const transport = changedPublisher(here, (real) => ({
    publishRun: async (run, bounds) => {
      calls += 1;
      const outcomes = await real.publishRun(run, bounds);
      const error = new MessagingError("TRANSPORT_OUTCOME_UNKNOWN", "nobody knows");
      return calls === 1
        ? outcomes.map((one, index) => (index === 1 ? { status: "unknown", scope: "broker", error } : one))
        : outcomes;
    },
  }));
  const relay = await relayOn(here, store, { transport });
  await commit(store, ...many(4, () => ({ key: "k" })));
  expect(await relay.drainOnce()).toBe(1);
  expect(await relay.drainOnce()).toBe(3);
});

test("99. a run that goes in parts for its bytes stops at the part that was refused: nothing behind it is sent", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const parts: string[][] = [];
  let refuse = true;
  const refused = refusing(here, (id) => (refuse && id === "0" ? rejected() : undefined));
  const { publisher } = refused;
  const transport = {
    ...refused,
    publisher: {
      ...publisher,
      publishRun: (...given: Parameters<typeof publisher.publishRun>) => {
        parts.push(given[0].map(({ attributes }) => String(attributes["id"])));
        return publisher.publishRun(...given);
      },
    },
  };
  const relay = await relayOn(here, store, { transport, maxBytesInFlight: 700 });
  const payload = Buffer.from(JSON.stringify("x".repeat(300)));
  await commit(store, ...many(3, () => ({ key: "k", payload })));
  relay.start();
  await here.clock.advance(100);
  expect([parts, arrived]).toEqual([[["0"]], []]);
  refuse = false;
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["0", "1", "2"]);
});

test("a transport that rejects, throws or answers too few outcomes loses and counts nothing", async () => {
  const here = place();
  const store = storeOn(here);
  const faults: (() => Promise<readonly PublishOutcome[]>)[] = [
    () => Promise.reject(new Error("it broke")),
    () => {
      throw new Error("it threw");
    },
    () => Promise.resolve([]),
    () => Promise.resolve(undefined as never),
  ];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => faults.shift()?.() ?? real.publish(batch, bounds),
    publishRun: (run, bounds) => faults.shift()?.() ?? real.publishRun(run, bounds),
  }));
  const relay = await relayOn(here, store, { transport });
  await commit(store, sealed("a"), sealed("b", { key: "k" }), sealed("c", { key: "k" }));
  relay.start();
  await here.clock.runUntil(async () => (await backlogOf(store)) === 0);
  expect(faults).toEqual([]);
  expect(await store.relay.parked({})).toEqual([]);
});

test("a transport that never answers holds the relay up to its deadline, and no longer", async () => {
  const here = place();
  const store = storeOn(here);
  let hangs = true;
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => (hangs ? new Promise(() => undefined) : real.publish(batch, bounds)),
  }));
  const relay = await relayOn(here, store, { transport, publishDeadlineMs: 5_000 });
  await commit(store, sealed("a"));
  relay.start();
  await here.clock.advance(5_300);
  expect(await relay.status()).toMatchObject({ state: "waiting-for-broker", backlog: 1, parked: 0 });
  hangs = false;
  await here.clock.advance(10_000);
  expect(await relay.status()).toMatchObject({ state: "leading", backlog: 0 });
});

test("39. no more bytes than allowed are under way at once, though a page holds many times as much", async () => {
  const here = place();
  const store = storeOn(here);
  let underWay = 0;
  let most = 0;
  const counted =
    <A extends readonly { readonly sizeBytes: number }[], R>(
      send: (all: A, bounds: { readonly deadlineMs: number }) => Promise<R>,
    ) =>
    async (all: A, bounds: { readonly deadlineMs: number }): Promise<R> => {
      const bytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      underWay += bytes;
      most = Math.max(most, underWay);
      const outcomes = await send(all, bounds);
      underWay -= bytes;
      return outcomes;
    };
  const transport = changedPublisher(here, (real) => ({
    publish: counted(real.publish),
    publishRun: counted(real.publishRun),
  }));
  const payload = Buffer.from(JSON.stringify("x".repeat(1_000)));
  const relay = await relayOn(here, store, { transport, maxBytesInFlight: 5_000 });
  await commit(store, ...many(60, (n) => ({ payload, ...(n < 20 ? {} : { key: `k${n % 5}` }) })));
  expect(await relay.drainOnce()).toBe(60);
  expect(most).toBeGreaterThan(2_000);
  expect(most).toBeLessThanOrEqual(5_000);
});

test("a row that cannot be encoded is given up, and holds up nothing but its own key", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  // As another program may have written it.
  const strange = changedRelayStore(store, (real) => ({
    read: async (lease, limit) =>
      (await real.read(lease, limit)).map((one) =>
        one.id === "bad" ? { ...one, extensions: null as never } : one,
      ),
  }));
  const relay = await relayOn(here, strange);
  await commit(
    store,
    sealed("a", { key: "k" }),
    sealed("bad", { key: "k" }),
    sealed("b", { key: "k" }),
    sealed("c"),
  );
  expect(await relay.drainOnce()).toBe(2);
  await until("the others arrived", () => arrived.length === 2);
  expect(await store.relay.parked({})).toMatchObject([
    { id: "bad", status: "dead" },
    { id: "b", status: "held" },
  ]);
});

test("106. the relay of a messaging works without any consumer, and ends with the messaging", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, "com.acme.ticks");
  const messaging = await serviceOn(here, { store });
  await messaging.unitOfWork().run(async ({ publish }) => publish(Ticked({ n: 1 })));
  await here.clock.advance(100);
  expect(arrived).toHaveLength(1);
  expect(await messaging.health()).toMatchObject({ ok: true, consumers: [] });
  await messaging.close();
  expect(await store.relay.status()).toMatchObject({ owner: undefined });
  expect(await messaging.relay?.status()).toMatchObject({ state: "stopped" });
});

test("the lag that is measured is that of the oldest event of a page", async () => {
  const here = place();
  const store = storeOn(here);
  await commit(store, sealed("old", { key: "k" }));
  await here.clock.advance(5_000);
  await commit(store, sealed("new", { key: "k" }));
  expect(await store.relay.status()).toMatchObject({ backlog: 2, oldestAgeMs: 5_000 });
});

test("100. in the happy path each row is sent once", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const relays = [await relayOn(here, store), await relayOn(here, store), await relayOn(here, store)];
  for (const relay of relays) relay.start();
  for (let n = 0; n < 30; n += 1) {
    await commit(store, sealed(String(n), { key: `k${n % 4}` }));
    await here.clock.advance(500);
  }
  expect(arrived.map(({ id }) => Number(id))).toEqual(Array.from({ length: 30 }, (_, n) => n));
  const states = await Promise.all(relays.map(async (relay) => (await relay.status()).state));
  expect(states.toSorted()).toEqual(["leading", "standby", "standby"]);
});

test("a refused event and a broker that fails in the same page are told apart", async () => {
  const here = place();
  const store = storeOn(here);
  const transport = refusing(here, (id) => (id === "bad" ? rejected() : undefined));
  const down = changedPublisher(here, () => ({
    publish: transport.publisher.publish,
    publishRun: async (run) =>
      run.map(() => ({
        status: "rejected",
        scope: "broker",
        error: new MessagingError("TRANSPORT_UNAVAILABLE", "away"),
      })),
  }));
  const relay = await relayOn(here, store, {
    transport: {
      ...down,
      connect: async (options) => {
        await transport.connect(options);
        await down.connect(options);
      },
    },
  });
  await commit(store, sealed("bad"), sealed("a", { key: "k" }), sealed("b", { key: "k" }), sealed("c"));
  expect(await relay.drainOnce()).toBe(1);
  expect((await store.relay.parked({})).map(({ id, attempts }) => [id, attempts])).toEqual([["bad", 1]]);
  expect(await backlogOf(store)).toBe(2);
  await transport.close();
});

test("a database that is away lets drainOnce fail with its error, and costs nothing", async () => {
  const here = place();
  const store = memoryStore({ clock: here.clock });
  const relay = await relayOn(
    here,
    changedRelayStore(store, () => ({ read: () => Promise.reject(storeDown()) })),
  );
  await commit(store, sealed("a"));
  await expect(relay.drainOnce()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await backlogOf(store)).toBe(1);
});
