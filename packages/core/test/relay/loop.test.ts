import { expect, test } from "vitest";
import { commit, gate, sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { until } from "../support/recorder.ts";
import { changedPublisher, place, storeOn } from "../support/services.ts";
import {
  backlogOf,
  changedRelayStore,
  refusing,
  rejected,
  relayOn,
  storeDown,
  tooLarge,
} from "./support/relays.ts";

const orders = "com.acme.orders";

/** A relay whose reads of the outbox are counted. */
async function counted(options: Parameters<typeof relayOn>[2] = {}) {
  const here = place();
  const store = storeOn(here);
  const reads: number[] = [];
  const counting = changedRelayStore(store, (real) => ({
    read: (...given) => {
      reads.push(here.clock.monotonicMs());
      return real.read(...given);
    },
  }));
  const { arrived } = await listenTo(here.broker, orders);
  const relay = await relayOn(here, counting, options);
  return { here, store, reads, relay, arrived };
}

test("while nothing comes the relay looks less and less often, and at most as often as it was told", async () => {
  const { here, reads, relay } = await counted({ minPollMs: 100, maxPollMs: 2_000 });
  relay.start();
  await here.clock.advance(60_000);
  const waits = reads.slice(1).map((at, index) => at - (reads[index] ?? 0));
  expect(waits[0]).toBeGreaterThanOrEqual(80);
  expect(waits[0]).toBeLessThanOrEqual(120);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_400);
  expect(Math.min(...waits.slice(6))).toBeGreaterThanOrEqual(1_600);
  expect(reads.length).toBeLessThan(45);
});

test("a signal cuts the wait short: what is committed leaves at once, not at the next look", async () => {
  const { here, store, relay, arrived } = await counted({ maxPollMs: 60_000 });
  relay.start();
  await here.clock.advance(300_000);
  await commit(store, sealed("a"));
  await here.clock.advance(0);
  expect(arrived).toHaveLength(1);
});

test("111. a signal that is lost costs one wait: the look finds the event", async () => {
  const { here, store, relay, arrived } = await counted({ maxPollMs: 1_000 });
  const deaf = { ...store, outbox: { onSignal: () => () => undefined } };
  const relayWithoutEars = await relayOn(here, deaf, { maxPollMs: 1_000 });
  relayWithoutEars.start();
  await here.clock.advance(30_000);
  await commit(store, sealed("a"));
  await here.clock.advance(1_200);
  expect(arrived).toHaveLength(1);
  await relay.stop();
});

test("a page after a page goes without a wait, and the event loop gets its turns in between", async () => {
  const { here, store, relay, arrived } = await counted({ batchSize: 10 });
  await commit(store, ...Array.from({ length: 200 }, (_, n) => sealed(String(n))));
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  count();
  relay.start();
  await here.clock.advance(0);
  counting = false;
  expect(arrived).toHaveLength(200);
  expect(turns).toBeGreaterThan(20);
});

test("a store that signals at every read does not starve the event loop", async () => {
  const here = place();
  const store = storeOn(here);
  let reads = 0;
  const chatty = changedRelayStore(store, (real) => ({
    read: (...given) => {
      reads += 1;
      store.outbox.signal();
      return real.read(...given);
    },
  }));
  const relay = await relayOn(here, chatty);
  relay.start();
  let ticks = 0;
  await new Promise<void>((resolve) => {
    const tick = (): void => {
      ticks += 1;
      if (ticks === 20) resolve();
      else setImmediate(tick);
    };
    tick();
  });
  expect(ticks).toBe(20);
  expect(reads).toBeLessThan(40);
});

test("while the broker is down commits do not make the relay try again and again", async () => {
  const { here, store, reads, relay } = await counted();
  relay.start();
  await here.clock.advance(100);
  here.broker.stop();
  await commit(store, sealed("first"));
  await here.clock.advance(60_000);
  const before = reads.length;
  for (let n = 0; n < 200; n += 1) {
    await commit(store, sealed(String(n)));
    await here.clock.advance(50);
  }
  expect(reads.length - before).toBeLessThan(10);
  here.broker.start();
  await here.clock.advance(0);
  await until("all left", async () => (await backlogOf(store)) === 0);
});

test("a broker that comes back is noticed at once, not at the next try", async () => {
  const { here, store, relay, arrived } = await counted({ publishDeadlineMs: 1_000 });
  relay.start();
  here.broker.stop();
  await commit(store, sealed("a"));
  await here.clock.advance(600_000);
  here.broker.start();
  await until("it arrived", () => arrived.length === 1);
  expect(here.clock.monotonicMs()).toBe(600_000);
});

test("a database that is away is waited for: nothing is thrown, one line is logged, and the events leave afterwards", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  let away = true;
  let calls = 0;
  const flaky = changedRelayStore(store, (real) => {
    const or =
      <A extends never[], R>(call: (...given: A) => Promise<R>) =>
      (...given: A): Promise<R> => {
        calls += 1;
        return away ? Promise.reject(storeDown()) : call(...given);
      };
    return {
      acquire: or(real.acquire),
      renew: or(real.renew),
      read: or(real.read),
      due: or(real.due),
      heldKeys: or(real.heldKeys),
    };
  });
  const relay = await relayOn(here, flaky);
  relay.start();
  await commit(store, sealed("a"));
  await here.clock.advance(600_000);
  expect(await relay.status()).toMatchObject({
    state: "waiting-for-store",
    lastError: "the database is away",
  });
  expect(calls).toBeLessThan(200); // 5 seconds between two tries, once they have grown
  away = false;
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["a"]);
  expect(here.logger.lines.map(({ level, message }) => [level, message])).toEqual([
    ["warn", "The relay waits for the database; nothing is lost or counted"],
    ["info", "The relay goes on"],
  ]);
});

test("a confirm that fails is not taken for progress: the events are repeated slowly, and commits do not hurry it", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const readOnly = changedRelayStore(store, () => ({ confirm: () => Promise.reject(storeDown()) }));
  const relay = await relayOn(here, readOnly);
  relay.start();
  await commit(store, sealed("a"));
  await here.clock.advance(60_000);
  const before = arrived.length;
  for (let n = 0; n < 100; n += 1) {
    store.outbox.signal();
    await here.clock.advance(10);
  }
  expect(arrived.length - before).toBeLessThanOrEqual(2);
  expect(await relay.status()).toMatchObject({ state: "waiting-for-store", backlog: 1 });
});

test("40. a paused relay keeps its lease and publishes nothing; resumed, it goes on at once", async () => {
  const { here, store, relay, arrived } = await counted({ leaseMs: 3_000 });
  const other = await relayOn(here, store, { leaseMs: 3_000 });
  relay.start();
  await here.clock.advance(100);
  other.start();
  relay.pause();
  await commit(store, sealed("a"));
  await here.clock.advance(60_000);
  expect([(await relay.status()).state, (await other.status()).state]).toEqual(["paused", "standby"]);
  expect(arrived).toEqual([]);
  relay.resume();
  await here.clock.advance(0);
  expect(arrived).toHaveLength(1);
});

test("46. stop ends after the page under way, confirms it, and takes no other", async () => {
  const here = place();
  const store = storeOn(here);
  const slow = gate();
  let pages = 0;
  const transport = changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      pages += 1;
      await slow.opened;
      return real.publish(batch, bounds);
    },
  }));
  const relay = await relayOn(here, store, { transport, batchSize: 2 });
  await commit(store, sealed("a"), sealed("b"), sealed("c"));
  relay.start();
  await until("the page is under way", () => pages === 1);
  let stopped = false;
  const stopping = relay.stop().then(() => (stopped = true));
  await here.clock.advance(1_000);
  expect(stopped).toBe(false);
  slow.open();
  await stopping;
  expect([pages, await backlogOf(store)]).toEqual([1, 1]);
  expect(await store.relay.status()).toMatchObject({ owner: undefined });
});

test("45. start twice is one relay, stop is safe twice and before start, and a stopped one says that it has ended", async () => {
  const { here, store, reads, relay } = await counted({ minPollMs: 1_000, maxPollMs: 1_000 });
  relay.start();
  relay.start();
  await here.clock.advance(10_000);
  expect(reads.length).toBeLessThan(15);
  await Promise.all([relay.stop(), relay.stop()]);
  expect(() => relay.start()).toThrow(expect.objectContaining({ code: "USAGE_CLOSED" }));
  await expect(relay.drainOnce()).rejects.toMatchObject({ code: "USAGE_CLOSED" });
  const idle = await relayOn(here, store);
  await idle.stop();
  expect(() => idle.start()).toThrow(expect.objectContaining({ code: "USAGE_CLOSED" }));
});

test("56. a relay that was stopped leaves no timer and no listener behind", async () => {
  const here = place();
  const store = storeOn(here);
  let listeners = 0;
  const counting = {
    ...store,
    outbox: {
      onSignal: (listener: () => void) => {
        listeners += 1;
        const end = store.outbox.onSignal(listener);
        return () => {
          listeners -= 1;
          end();
        };
      },
    },
  };
  const relay = await relayOn(here, counting);
  relay.start();
  await commit(store, sealed("a"));
  await here.clock.advance(5_000);
  expect(listeners).toBe(1);
  await relay.stop();
  expect([listeners, here.clock.pendingTimers()]).toEqual([0, 0]);
});

test("drainOnce publishes until the outbox is empty, over all pages, and gives the lease back", async () => {
  const { store, relay, here, arrived } = await counted({ batchSize: 7 });
  await commit(
    store,
    ...Array.from({ length: 50 }, (_, n) => sealed(String(n), n % 2 === 0 ? { key: "k" } : {})),
  );
  expect(await relay.drainOnce()).toBe(50);
  expect(await relay.drainOnce()).toBe(0);
  await until("all arrived", () => arrived.length === 50);
  expect(await store.relay.status()).toMatchObject({ owner: undefined, backlog: 0 });
  const another = await relayOn(here, store);
  await commit(store, sealed("next"));
  expect(await another.drainOnce()).toBe(1);
});

test("drainOnce goes past pages of which nothing can leave: held events, refused ones", async () => {
  const here = place();
  const store = storeOn(here);
  const refusals: Record<string, () => ReturnType<typeof rejected>> = { bad: tooLarge, worse: rejected };
  const transport = refusing(here, (id) => refusals[id]?.());
  const relay = await relayOn(here, store, { transport, batchSize: 2 });
  await commit(
    store,
    sealed("bad", { key: "k" }),
    sealed("worse"),
    ...["k1", "k2", "k3", "k4"].map((id) => sealed(id, { key: "k" })),
    sealed("free"),
  );
  expect(await relay.drainOnce()).toBe(1);
  expect(await store.relay.status()).toMatchObject({ backlog: 0, parked: 6 });
});

test("drainOnce answers with what it did when the broker is down or another relay leads", async () => {
  const { store, relay, here } = await counted();
  await commit(store, sealed("a"));
  here.broker.stop();
  const draining = relay.drainOnce();
  await here.clock.advance(60_000);
  expect(await draining).toBe(0);
  here.broker.start();
  const leader = await relayOn(here, store);
  leader.start();
  await here.clock.advance(100);
  expect(await relay.drainOnce()).toBe(0);
  expect(await backlogOf(store)).toBe(0); // the leader's work
});

test("drainOnce is for a relay that is not at work by itself, and one that is started meanwhile waits for it", async () => {
  const { here, store, relay, arrived } = await counted({ batchSize: 1 });
  await commit(store, ...Array.from({ length: 5 }, (_, n) => sealed(String(n), { key: "k" })));
  const draining = relay.drainOnce();
  relay.start();
  await expect(relay.drainOnce()).rejects.toMatchObject({ code: "USAGE_CLOSED" });
  expect(await draining).toBe(5);
  await commit(store, sealed("5", { key: "k" }));
  await here.clock.advance(1_000);
  await until("all arrived", () => arrived.length === 6);
  expect(arrived.map(({ id }) => id)).toEqual(["0", "1", "2", "3", "4", "5"]);
});
