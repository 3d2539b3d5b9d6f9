import { exponential, fixed, immediate, noRetry, type MessagingError } from "@postrider/core";
import { expect, test } from "vitest";
import { commit, sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { place, storeOn } from "../support/services.ts";
import {
  changedRelayStore,
  refusing,
  rejected,
  relayOn,
  storeDown,
  tooLarge,
  type RelayParts,
} from "./support/relays.ts";

const orders = "com.acme.orders";

/** A relay at work whose broker refuses what `refused` names. */
async function relaying(options: RelayParts = {}) {
  const here = place();
  const store = storeOn(here);
  const refused = new Map<string, () => MessagingError>();
  const asked: string[] = [];
  const transport = refusing(here, (id) => {
    asked.push(id);
    return refused.get(id)?.();
  });
  const { arrived } = await listenTo(here.broker, orders, "com.acme.other");
  // It looks often, so that what is due is found at its time.
  const parks: string[] = [];
  const counting = changedRelayStore(store, (real) => ({
    park: (lease, requests) => {
      parks.push(...requests.map(({ event }) => event.id));
      return real.park(lease, requests);
    },
  }));
  const relay = await relayOn(here, counting, { transport, minPollMs: 10, maxPollMs: 50, ...options });
  const parked = async () =>
    (await store.relay.parked({})).map(({ id, status, attempts }) => [id, status, attempts]);
  const positions = async (...ids: readonly string[]) =>
    (await store.relay.parked({})).filter(({ id }) => ids.includes(id)).map(({ position }) => position);
  const ids = () => arrived.map(({ id }) => id);
  return { here, store, refused, asked, relay, parked, parks, positions, ids };
}

test("101. an event that the broker refuses is tried again by the policy, with growing waits, and then given up", async () => {
  const retry = exponential({ attempts: 4, initialMs: 1_000, maxMs: 60_000, jitter: 0 });
  const { here, store, refused, asked, relay, parked } = await relaying({ retry });
  refused.set("bad", rejected);
  relay.start();
  await commit(store, sealed("bad"));
  const attempts = async () => (await parked())[0];
  await here.clock.advance(100);
  expect(await attempts()).toEqual(["bad", "retry", 1]);
  await here.clock.advance(900);
  expect(asked.length).toBeLessThanOrEqual(2); // not before its time
  await here.clock.advance(1_100);
  expect(await attempts()).toEqual(["bad", "retry", 2]);
  await here.clock.advance(3_000);
  expect(await attempts()).toEqual(["bad", "retry", 3]);
  await here.clock.advance(5_000);
  expect(await attempts()).toEqual(["bad", "dead", 4]);
  await here.clock.advance(600_000);
  expect(await attempts()).toEqual(["bad", "dead", 4]);
  expect((await store.relay.parked({}))[0]).toMatchObject({
    lastError: "TRANSPORT_REJECTED: the broker does not like it",
  });
  expect(here.logger.lines.map(({ level, message }) => [level, message])).toEqual([
    ["warn", "The relay put an event aside for another attempt"],
    ["error", "The relay gave an event up"],
  ]);
});

test("101. an event that the broker refuses for a while is published when it no longer does", async () => {
  const { here, store, refused, relay, parked, ids } = await relaying({
    retry: fixed({ attempts: 9, delayMs: 1_000 }),
  });
  refused.set("bad", rejected);
  relay.start();
  await commit(store, sealed("bad"));
  await here.clock.advance(3_500);
  expect(await parked()).toEqual([["bad", "retry", 4]]);
  refused.clear();
  await here.clock.advance(2_500);
  expect([await parked(), ids()]).toEqual([[], ["bad"]]);
});

test("4. an event that is too large is given up at once: no other attempt can help", async () => {
  const { here, store, refused, relay, parked } = await relaying();
  refused.set("huge", tooLarge);
  relay.start();
  await commit(store, sealed("huge"), sealed("next"));
  await here.clock.advance(100);
  expect(await parked()).toEqual([["huge", "dead", 1]]);
  expect(await relay.status()).toMatchObject({ backlog: 0, parked: 1, dead: 1 });
});

test("99. a key whose event is refused waits, in order, and other keys, channels and events without a key go on", async () => {
  const { here, store, refused, relay, parked, ids } = await relaying({
    batchSize: 4,
    retry: fixed({ attempts: 100, delayMs: 1_000 }),
  });
  refused.set("k1", rejected);
  relay.start();
  await commit(
    store,
    sealed("k0", { key: "k" }),
    sealed("k1", { key: "k" }),
    sealed("k2", { key: "k" }),
    sealed("l0", { key: "l" }),
    sealed("k3", { key: "k" }),
    sealed("other channel", { key: "k", channel: "com.acme.other" }),
    sealed("no key"),
  );
  await here.clock.advance(500);
  await commit(store, sealed("k4", { key: "k" }), sealed("l1", { key: "l" }));
  await here.clock.advance(500);
  expect(ids().toSorted()).toEqual(["k0", "l0", "l1", "no key", "other channel"].toSorted());
  expect(await parked()).toEqual([
    ["k1", "retry", expect.any(Number)],
    ["k2", "held", 0],
    ["k3", "held", 0],
    ["k4", "held", 0],
  ]);
  expect(await relay.status()).toMatchObject({ backlog: 0 });
  refused.clear();
  await here.clock.advance(5_000);
  await commit(store, sealed("k5", { key: "k" }));
  await here.clock.advance(100);
  expect(ids().filter((id) => id.startsWith("k"))).toEqual(["k0", "k1", "k2", "k3", "k4", "k5"]);
  expect(await parked()).toEqual([]);
});

test("99. a thousand events of a held key do not keep those behind them from leaving", async () => {
  const { here, store, refused, relay, ids } = await relaying({ batchSize: 50 });
  refused.set("bad", tooLarge);
  relay.start();
  await commit(store, sealed("bad", { key: "k" }));
  await here.clock.advance(100);
  await commit(
    store,
    ...Array.from({ length: 1_000 }, (_, n) => sealed(`held ${n}`, { key: "k" })),
    sealed("free"),
  );
  await here.clock.advance(100);
  expect(ids()).toEqual(["free"]);
  expect(await relay.status()).toMatchObject({ backlog: 0, parked: 1_001, dead: 1 });
});

test("with `hold-key` a dead event holds its key until a person retries or discards it, then all go on in order", async () => {
  const { here, store, refused, relay, parked, positions, ids } = await relaying({ retry: noRetry() });
  refused.set("k1", rejected);
  refused.set("l1", rejected);
  relay.start();
  await commit(store, ...["k1", "k2", "l1", "l2"].map((id) => sealed(id, { key: id.charAt(0) })));
  await here.clock.advance(60_000);
  expect(await parked()).toEqual([
    ["k1", "dead", 1],
    ["k2", "held", 0],
    ["l1", "dead", 1],
    ["l2", "held", 0],
  ]);
  refused.clear();
  expect(await store.relay.retryParked(await positions("k1"))).toBe(1);
  expect(await store.relay.discardParked(await positions("l1"))).toBe(1);
  await here.clock.advance(2_000);
  expect(ids().toSorted()).toEqual(["k1", "k2", "l2"]);
  expect(ids().filter((id) => id.startsWith("k"))).toEqual(["k1", "k2"]);
  await commit(store, sealed("k3", { key: "k" }), sealed("l3", { key: "l" }));
  await here.clock.advance(2_000);
  expect([ids().slice(3).toSorted(), await parked()]).toEqual([["k3", "l3"], []]);
});

test("a key that a person freed while nothing of it was parked any more goes on, though the relay was not told", async () => {
  const { here, store, refused, relay, parked, positions, ids } = await relaying({ retry: noRetry() });
  refused.set("k1", rejected);
  relay.start();
  await commit(store, sealed("k1", { key: "k" }));
  await here.clock.advance(100);
  await store.relay.discardParked(await positions("k1"));
  await commit(store, sealed("k2", { key: "k" }), sealed("k3", { key: "k" }));
  await here.clock.advance(5_000);
  expect([ids(), await parked()]).toEqual([["k2", "k3"], []]);
});

/** `behind`: what stands behind it is parked until it is certain that it was given up. */
const deaths: readonly (readonly [string, () => MessagingError, RelayParts, readonly string[]])[] = [
  ["at its first attempt", tooLarge, {}, []],
  ["because there is one attempt only", rejected, { retry: noRetry() }, []],
  ["after several attempts", rejected, { retry: fixed({ attempts: 3, delayMs: 1_000 }) }, ["k2", "k3"]],
  ["after attempts without a wait", rejected, { retry: immediate({ attempts: 3 }) }, ["k2", "k3"]],
];

test.each(deaths)(
  "with `skip` later events of the key go on past one that was given up %s",
  async (_, refusal, options, behind) => {
    const { here, store, refused, relay, parked, parks, ids } = await relaying({
      ...options,
      onDead: "skip",
    });
    refused.set("k1", refusal);
    refused.set("bad", refusal);
    relay.start();
    await commit(store, ...["k0", "k1", "k2", "k3"].map((id) => sealed(id, { key: "k" })), sealed("bad"));
    await here.clock.advance(10_000);
    expect(ids()).toEqual(["k0", "k2", "k3"]);
    expect(parks.toSorted()).toEqual(["bad", "k1", ...behind]);
    // Also after the held keys were read anew: at a take-over, and after each due event.
    await relay.stop();
    const next = await relayOn(here, store, { ...options, onDead: "skip" });
    next.start();
    await commit(store, sealed("k4", { key: "k" }), sealed("k5", { key: "k" }));
    await here.clock.advance(2_000);
    expect(ids()).toEqual(["k0", "k2", "k3", "k4", "k5"]);
    expect((await parked()).map(([id, status]) => [id, status])).toEqual([
      ["k1", "dead"],
      ["bad", "dead"],
    ]);
  },
);

test("an event without a key holds nothing, whatever becomes of it", async () => {
  const { here, store, refused, relay, parked, ids } = await relaying();
  refused.set("bad", tooLarge);
  relay.start();
  await commit(store, sealed("bad"), sealed("a"), sealed("b"));
  await here.clock.advance(100);
  await commit(store, sealed("c"));
  await here.clock.advance(1_100);
  expect([ids(), await parked()]).toEqual([["a", "b", "c"], [["bad", "dead", 1]]]);
});

test("101. what was given up can be tried again with all its attempts, and is visible until then", async () => {
  const { here, store, refused, relay, parked, positions } = await relaying({
    retry: fixed({ attempts: 2, delayMs: 1_000 }),
  });
  refused.set("bad", rejected);
  relay.start();
  await commit(store, sealed("bad"));
  await here.clock.advance(10_000);
  expect(await parked()).toEqual([["bad", "dead", 2]]);
  await store.relay.retryParked(await positions("bad"));
  await here.clock.advance(500);
  expect(await parked()).toEqual([["bad", "retry", 1]]);
  await here.clock.advance(5_000);
  expect(await parked()).toEqual([["bad", "dead", 2]]);
});

test("a key stays held when the database parked an event and could not say so: nothing overtakes it", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  let refuse = true;
  let cut = true;
  const cutting = changedRelayStore(store, (real) => ({
    park: async (lease, requests) => {
      await real.park(lease, requests);
      if (cut) {
        cut = false;
        throw storeDown();
      }
    },
  }));
  const transport = refusing(here, (id) => (refuse && id === "k1" ? rejected() : undefined));
  const relay = await relayOn(here, cutting, {
    transport,
    batchSize: 1,
    retry: fixed({ attempts: 9, delayMs: 1_000 }),
  });
  await commit(store, sealed("k1", { key: "k" }), sealed("k2", { key: "k" }));
  relay.start();
  await here.clock.advance(900);
  expect(cut).toBe(false);
  refuse = false;
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["k1", "k2"]);
});

test("a key that is free again is free: later events of it go straight to the broker", async () => {
  const retry = fixed({ attempts: 9, delayMs: 1_000 });
  const { here, store, refused, relay, parks, ids } = await relaying({ retry });
  refused.set("k1", rejected);
  relay.start();
  await commit(store, sealed("k1", { key: "k" }), sealed("k2", { key: "k" }));
  await here.clock.advance(500);
  refused.clear();
  await here.clock.advance(3_000);
  await commit(store, sealed("k3", { key: "k" }));
  await here.clock.advance(500);
  expect([ids(), parks]).toEqual([
    ["k1", "k2", "k3"],
    ["k1", "k2"],
  ]);
});

test("a broker that is down while parked events are due counts none of their attempts", async () => {
  const { here, store, refused, relay, parked, ids } = await relaying({
    retry: fixed({ attempts: 2, delayMs: 1_000 }),
  });
  refused.set("bad", rejected);
  relay.start();
  await commit(store, sealed("bad"));
  await here.clock.advance(500);
  here.broker.stop();
  refused.clear();
  await here.clock.advance(120_000);
  expect(await parked()).toEqual([["bad", "retry", 1]]);
  here.broker.start();
  await here.clock.advance(10_000);
  expect([ids(), await parked()]).toEqual([["bad"], []]);
});

test.each([Number.NaN, -5_000, Number.NEGATIVE_INFINITY])(
  "a policy that answers a wait of %s ms means at once, and no event waits for ever",
  async (waitMs) => {
    const { here, store, refused, relay, parked } = await relaying({
      retry: { attempts: 3, delayMs: () => waitMs },
    });
    refused.set("bad", rejected);
    relay.start();
    await commit(store, sealed("bad"));
    await here.clock.advance(5_000);
    expect(await parked()).toEqual([["bad", "dead", 3]]);
  },
);

test("28. an event that is refused for ever without a wait does not make the relay spin", async () => {
  const { here, store, refused, asked, relay } = await relaying({
    retry: immediate({ attempts: Number.POSITIVE_INFINITY }),
    minPollMs: 50,
    maxPollMs: 1_000,
  });
  refused.set("bad", rejected);
  relay.start();
  await commit(store, sealed("bad"));
  await here.clock.advance(10_000);
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.length).toBeLessThan(100);
});
