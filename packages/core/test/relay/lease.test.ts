import { createRelay, fixed, type RelayStore } from "@postrider/core";
import { expect, test } from "vitest";
import { createLeaseKeeper } from "../../src/relay/lease-keeper.ts";
import { commit, gate, sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { until } from "../support/recorder.ts";
import { changedPublisher, place, storeOn } from "../support/services.ts";
import { changedRelayStore, refusing, rejected, relayOn, storeDown } from "./support/relays.ts";

const orders = "com.acme.orders";
const stateOf = async (relay: Awaited<ReturnType<typeof relayOn>>) => (await relay.status()).state;

test("100. of two relays of one outbox one leads, and the other stands by", async () => {
  const here = place();
  const store = storeOn(here);
  const [first, second] = [await relayOn(here, store), await relayOn(here, store)];
  first.start();
  await here.clock.advance(10);
  second.start();
  await here.clock.advance(60_000);
  expect([await stateOf(first), await stateOf(second)]).toEqual(["leading", "standby"]);
});

test("146. a standby takes over at once when the leader stops, and after the lease when it is silent", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  let silent = false;
  const never = new Promise<never>(() => undefined);
  const dying = changedRelayStore(store, (real) => ({
    read: (lease, limit) => (silent ? never : real.read(lease, limit)),
    renew: (lease, leaseMs) => (silent ? never : real.renew(lease, leaseMs)),
    release: (lease) => (silent ? never : real.release(lease)),
  }));
  const first = await relayOn(here, store, { leaseMs: 10_000 });
  const second = await relayOn(here, store, { leaseMs: 10_000 });
  first.start();
  await here.clock.advance(10);
  second.start();
  await here.clock.advance(5_000);
  await first.stop();
  await here.clock.advance(1_001); // a standby looks once a second
  expect(await stateOf(second)).toBe("leading");
  await second.stop();

  const transport = changedPublisher(here, () => ({}));
  await transport.connect();
  createRelay({ store: dying, transport, clock: here.clock, logger: here.logger, leaseMs: 10_000 }).start();
  await here.clock.advance(5_000);
  silent = true;
  await commit(store, sealed("a"));
  const third = await relayOn(here, store, { leaseMs: 10_000 });
  third.start();
  await here.clock.advance(6_000);
  expect([await stateOf(third), arrived.length]).toEqual(["standby", 0]);
  await here.clock.advance(6_000);
  expect([await stateOf(third), arrived.map(({ id }) => id)]).toEqual(["leading", ["a"]]);
  await transport.close();
});

test("the lease is renewed while a page takes much longer than it, so that nobody takes over", async () => {
  const here = place();
  const store = storeOn(here);
  const slow = gate();
  const transport = changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      await slow.opened;
      return real.publish(batch, bounds);
    },
  }));
  const leader = await relayOn(here, store, { transport, leaseMs: 1_000, publishDeadlineMs: 60_000 });
  leader.start();
  await commit(store, sealed("a"));
  await here.clock.advance(100);
  const other = await relayOn(here, store, { leaseMs: 1_000 });
  other.start();
  await here.clock.advance(20_000);
  expect(await stateOf(other)).toBe("standby");
  slow.open();
  await here.clock.advance(100);
  expect(await stateOf(leader)).toBe("leading");
  expect((await store.relay.status()).backlog).toBe(0);
});

test("a renewal that fails is tried again, and the page goes on", async () => {
  const here = place();
  const store = storeOn(here);
  const slow = gate();
  let renewals = 0;
  const flaky = changedRelayStore(store, (real) => ({
    renew: async (lease, leaseMs) => {
      renewals += 1;
      if (renewals % 2 === 1) throw storeDown();
      return real.renew(lease, leaseMs);
    },
  }));
  const transport = changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      await slow.opened;
      return real.publish(batch, bounds);
    },
  }));
  const leader = await relayOn(here, flaky, { transport, leaseMs: 3_000, publishDeadlineMs: 60_000 });
  const other = await relayOn(here, store, { leaseMs: 3_000 });
  leader.start();
  await commit(store, sealed("a"));
  await here.clock.advance(100);
  other.start();
  await here.clock.advance(20_000);
  expect(await stateOf(other)).toBe("standby");
  expect(renewals).toBeGreaterThan(10);
  slow.open();
  await here.clock.advance(5_000);
  expect((await store.relay.status()).backlog).toBe(0);
});

/** Two relays of which the first slept, at a point of its turn, past its lease. */
async function slept(point: keyof RelayStore) {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const wake = gate();
  let sleeps = false;
  const sleeping = changedRelayStore(store, (real) => ({
    // A process that is stopped neither goes on nor renews.
    [point]: async (...given: never[]) => {
      const result = (await (real[point] as (...all: never[]) => Promise<unknown>)(...given)) as never;
      if (sleeps) await wake.opened;
      return result;
    },
    renew: async (lease, leaseMs) => {
      if (sleeps) await wake.opened;
      return real.renew(lease, leaseMs);
    },
  }));
  const sent: string[] = [];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => {
      sent.push(...batch.map(({ attributes }) => String(attributes["id"])));
      return real.publish(batch, bounds);
    },
  }));
  const first = await relayOn(here, sleeping, { transport, leaseMs: 2_000 });
  first.start();
  await here.clock.advance(100);
  const second = await relayOn(here, store, { leaseMs: 2_000 });
  return {
    here,
    store,
    arrived,
    first,
    second,
    sent,
    sleep: async () => {
      sleeps = true;
      await commit(store, sealed("a", { key: "k" }));
      await here.clock.advance(1_100);
      second.start();
      await here.clock.advance(5_000);
    },
    wake: async () => {
      sleeps = false;
      wake.open();
      await here.clock.advance(3_000);
    },
  };
}

test("100. an owner that slept past its lease after reading sends nothing of what it read", async () => {
  const { store, arrived, first, second, sent, sleep, wake } = await slept("read");
  await sleep();
  expect(arrived.map(({ id }) => id)).toEqual(["a"]); // by the second
  await wake();
  expect(sent).toEqual([]);
  expect([await stateOf(first), await stateOf(second)]).toEqual(["standby", "leading"]);
  expect(arrived.map(({ id }) => id)).toEqual(["a"]);
  expect((await store.relay.status()).backlog).toBe(0);
});

test("100. an owner that slept past its lease after sending has at most repeated: nothing is lost, nothing marked wrongly", async () => {
  const { store, here, arrived, first, second, sleep, wake } = await slept("confirm");
  await sleep();
  await commit(store, sealed("b", { key: "k" }));
  await here.clock.advance(2_000);
  await wake();
  expect([await stateOf(first), await stateOf(second)]).toEqual(["standby", "leading"]);
  expect(arrived.map(({ id }) => id)).toEqual(["a", "b"]);
  expect((await store.relay.status()).backlog).toBe(0);
});

test("100. an owner that lost its lease cannot park rows, stands by, and takes the lease again when it is free", async () => {
  const here = place();
  const store = storeOn(here);
  const lost = gate();
  let once = true;
  const slow = changedRelayStore(store, (real) => ({
    confirm: async (lease, events) => {
      await real.confirm(lease, events);
      if (!once) return;
      once = false;
      // Meanwhile somebody else took over.
      await store.relay.release(lease);
      await store.relay.acquire("somebody else", 5_000);
      lost.open();
    },
  }));
  let asked = 0;
  const transport = refusing(here, (id) => (id === "bad" && (asked += 1) > 0 ? rejected() : undefined));
  const retry = fixed({ attempts: 9, delayMs: 3_600_000 });
  const relay = await relayOn(here, slow, { transport, leaseMs: 10_000, retry });
  relay.start();
  await commit(store, sealed("good"), sealed("bad"));
  await lost.opened;
  await here.clock.advance(100);
  expect(await stateOf(relay)).toBe("standby");
  expect(await store.relay.parked({})).toEqual([]);
  expect((await store.relay.status()).backlog).toBe(1);
  await here.clock.advance(4_500);
  expect(asked).toBe(1); // it sends nothing that is not its own
  await here.clock.advance(2_500);
  expect(await stateOf(relay)).toBe("leading");
  expect((await store.relay.parked({})).map(({ id, attempts }) => [id, attempts])).toEqual([["bad", 1]]);
});

test("99. a standby that takes over knows the keys that are held: nothing of them overtakes", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  let refuse = true;
  const transport = () => refusing(here, (id) => (refuse && id === "k1" ? rejected() : undefined));
  const first = await relayOn(here, store, { transport: transport() });
  const second = await relayOn(here, store, { transport: transport() });
  first.start();
  await commit(store, sealed("k1", { key: "k" }));
  await here.clock.advance(100);
  second.start();
  await first.stop();
  await commit(store, sealed("k2", { key: "k" }), sealed("l1", { key: "l" }));
  await here.clock.advance(1_500);
  await until("the other key arrived", () => arrived.length === 1);
  refuse = false;
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["l1", "k1", "k2"]);
});

test("99. a leader that lost its lease while it was idle, and has it again, reads anew which keys are held", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  let sleeps = false;
  let refuse = true;
  const refusal = (id: string) => (refuse && id === "k1" ? rejected() : undefined);
  const asleep = changedRelayStore(store, (real) => ({
    acquire: (...given) => (sleeps ? Promise.resolve(undefined) : real.acquire(...given)),
    renew: async (...given) => !sleeps && real.renew(...given),
  }));
  const first = await relayOn(here, asleep, { transport: refusing(here, refusal), leaseMs: 2_000 });
  first.start();
  await here.clock.advance(500);
  sleeps = true;
  const second = await relayOn(here, store, { transport: refusing(here, refusal), leaseMs: 2_000 });
  second.start();
  await here.clock.advance(5_000);
  await commit(store, sealed("k1", { key: "k" }));
  await here.clock.advance(100);
  await second.stop();
  sleeps = false;
  await commit(store, sealed("k2", { key: "k" }));
  await here.clock.runUntil(async () => (await stateOf(first)) === "leading");
  await here.clock.advance(50);
  expect([await stateOf(first), arrived]).toEqual(["leading", []]);
  refuse = false;
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["k1", "k2"]);
});

test("a standby asks for the lease once a second at most, however much is committed", async () => {
  const here = place();
  const store = storeOn(here);
  let asked = 0;
  const counting = changedRelayStore(store, (real) => ({
    acquire: (...given) => {
      asked += 1;
      return real.acquire(...given);
    },
  }));
  const leader = await relayOn(here, store);
  leader.start();
  await here.clock.advance(100);
  const standby = await relayOn(here, counting);
  standby.start();
  for (let n = 0; n < 100; n += 1) {
    await commit(store, sealed(String(n)));
    await here.clock.advance(100);
  }
  expect(asked).toBeGreaterThanOrEqual(9);
  expect(asked).toBeLessThanOrEqual(12);
});

test("100. the time of a lease counts from before it was asked for: a slow answer makes it no longer", async () => {
  const here = place();
  const answer = gate();
  const slow = changedRelayStore(storeOn(here), (real) => ({
    acquire: async (...given) => {
      const lease = await real.acquire(...given);
      await answer.opened;
      return lease;
    },
  }));
  const keeper = createLeaseKeeper(slow.relay, 10_000, here.clock);
  const held = keeper.hold();
  await here.clock.advance(6_000);
  answer.open();
  expect(await held).toMatchObject({ epoch: 1 });
  await here.clock.advance(3_999);
  expect(keeper.demand).not.toThrow();
  await here.clock.advance(1);
  expect(keeper.demand).toThrow(expect.objectContaining({ code: "STORE_LEASE_LOST" }));
});
