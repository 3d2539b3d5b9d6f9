import { fixed, immediate, type ParkedSettlement, type SealedEvent } from "@postrider/core";
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

/** A relay of which each turn's settlements are kept, and that is refused what `refuses` says. */
async function relaying(refuses: (id: string) => boolean, options: RelayParts = {}) {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const settlements: (readonly ParkedSettlement[])[] = [];
  const dueRows: number[] = [];
  const counting = changedRelayStore(store, (real) => ({
    due: async (...given) => {
      await new Promise<void>((resolve) => void here.clock.schedule(1, resolve)); // as a database takes its time
      const due = await real.due(...given);
      dueRows.push(due.events.length);
      return due;
    },
    settleParked: (lease, settled) => {
      settlements.push(settled);
      return real.settleParked(lease, settled);
    },
  }));
  const transport = refusing(here, (id) => (refuses(id) ? rejected() : undefined));
  const relay = await relayOn(here, counting, { transport, ...options });
  const ids = () => arrived.map(({ id }) => id);
  return { here, store, relay, ids, settlements, dueRows };
}

const many = (count: number, name: string, parts: Partial<SealedEvent> = {}) =>
  Array.from({ length: count }, (_, n) => sealed(`${name}${n}`, parts));

test("fresh events leave in the turn in which they are found, however many parked ones are tried again and again", async () => {
  const { here, store, relay, ids, settlements, dueRows } = await relaying((id) => id.startsWith("bad"), {
    batchSize: 20,
    retry: immediate({ attempts: Number.POSITIVE_INFINITY }),
  });
  await commit(store, ...many(400, "bad"));
  relay.start();
  await here.clock.runUntil(async () => (await store.relay.status()).parked === 400);
  const turns = dueRows.length;
  const settled = settlements.length;
  await commit(store, ...many(20, "good"));
  await here.clock.runUntil(() => ids().length === 20);
  expect(dueRows.length - turns).toBeLessThanOrEqual(2);
  expect(settlements.length - settled).toBeLessThanOrEqual(2); // one of a turn
  await here.clock.advance(20_000);
  expect(Math.max(...dueRows)).toBe(20); // all of a page where the outbox is empty
});

test("due events take a quarter of a page that is full of fresh ones, and each gets its turn", async () => {
  const { here, store, relay, ids, settlements } = await relaying((id) => id.startsWith("bad"), {
    batchSize: 20,
    retry: immediate({ attempts: Number.POSITIVE_INFINITY }),
  });
  await commit(store, ...many(40, "bad"));
  relay.start();
  await here.clock.runUntil(async () => (await store.relay.status()).parked === 40);
  settlements.length = 0;
  await commit(store, ...many(400, "good"));
  await here.clock.runUntil(() => ids().length === 400);
  const whole = settlements.slice(0, 18);
  expect(new Set(whole.map(({ length }) => length))).toEqual(new Set([5]));
  const tried = new Set(whole.flatMap((settled) => settled.map(({ event }) => event.id)));
  expect(tried.size).toBe(40);
});

test("99. a released key drains in runs, in order, without a wait", async () => {
  let refuse = true;
  const { here, store, relay, ids, settlements } = await relaying((id) => refuse && id === "k0", {
    batchSize: 100,
    retry: fixed({ attempts: 99, delayMs: 1_000 }),
  });
  await commit(store, ...many(1_000, "k", { key: "k" }));
  relay.start();
  await here.clock.advance(900);
  expect(await store.relay.status()).toMatchObject({ backlog: 0, parked: 1_000 });
  refuse = false;
  await here.clock.advance(200);
  expect(ids()).toEqual(many(1_000, "k").map(({ id }) => id));
  expect(settlements).toHaveLength(40); // a quarter of a page each
  await commit(store, sealed("next", { key: "k" }));
  await here.clock.advance(10);
  expect(ids().at(-1)).toBe("next");
});

test("99. a refusal in the middle of a released run keeps what passed, and holds the rest", async () => {
  let bad = "k0";
  const { here, store, relay, ids } = await relaying((id) => id === bad, {
    retry: fixed({ attempts: 99, delayMs: 1_000 }),
  });
  await commit(store, ...many(6, "k", { key: "k" }));
  relay.start();
  await here.clock.advance(500);
  bad = "k3";
  await here.clock.advance(1_000);
  expect(ids()).toEqual(["k0", "k1", "k2"]);
  const rows = (await store.relay.parked({})).map(({ id, status, attempts }) => [id, status, attempts]);
  expect(rows).toEqual([
    ["k3", "retry", 1],
    ["k4", "held", 0],
    ["k5", "held", 0],
  ]);
  bad = "";
  await here.clock.advance(1_000);
  expect(ids()).toEqual(["k0", "k1", "k2", "k3", "k4", "k5"]);
});

test("101. a parked event is tried again when its time has come, and not at the next look of an idle relay", async () => {
  const tries: number[] = [];
  const here = place();
  const store = storeOn(here);
  const transport = refusing(here, (id) => {
    if (id !== "bad") return undefined;
    tries.push(here.clock.monotonicMs());
    return rejected();
  });
  const retry = fixed({ attempts: 99, delayMs: 7_000 });
  const relay = await relayOn(here, store, { transport, retry, minPollMs: 50, maxPollMs: 60_000 });
  relay.start();
  await here.clock.advance(300_000); // idle for long
  await commit(store, sealed("bad"));
  await here.clock.advance(100_000);
  const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(waits.length).toBeGreaterThanOrEqual(13);
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(7_000);
    expect(wait).toBeLessThanOrEqual(7_050);
  }
});

test("an event that cannot be put aside stays in front of its key, keeps no other from it, and is told once a minute", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const parks: string[][] = [];
  const choosy = changedRelayStore(store, (real) => ({
    park: async (lease, requests) => {
      parks.push(requests.map(({ event }) => event.id));
      if (requests.some(({ event }) => event.id === "cursed")) throw new Error("the row does not fit");
      return real.park(lease, requests);
    },
  }));
  const transport = refusing(here, (id) => (/^(bad|cursed)/.test(id) ? tooLarge() : undefined));
  const relay = await relayOn(here, choosy, { transport });
  relay.start();
  await commit(
    store,
    sealed("bad0", { key: "a" }),
    sealed("a1", { key: "a" }),
    sealed("c0", { key: "c" }),
    sealed("cursed", { key: "c" }),
    sealed("c2", { key: "c" }),
    ...many(20, "bad-without-key"),
    sealed("free"),
  );
  await here.clock.advance(30_000);
  expect(arrived.map(({ id }) => id).toSorted()).toEqual(["c0", "free"]);
  expect(await store.relay.status()).toMatchObject({ backlog: 2, parked: 22 });
  expect(parks.filter((ids) => ids.includes("c2") && !ids.includes("cursed"))).toEqual([]);
  expect(parks.length).toBeLessThan(20); // it is not sent and parked anew in every turn
  const complaints = () => here.logger.lines.filter(({ message }) => message.includes("could not put"));
  expect(complaints()).toEqual([
    {
      level: "error",
      message:
        "The relay could not put an event aside; others go on, it and what is behind it of its key does not",
      context: expect.objectContaining({ id: "cursed", reason: "the row does not fit" }),
    },
  ]);
  expect(relay.health().state).toBe("leading");
  await here.clock.advance(60_000);
  expect(complaints()).toHaveLength(2);
});

test("a store that can put nothing aside is waited for, and is not asked for each event", async () => {
  const here = place();
  const store = storeOn(here);
  let parks = 0;
  const failing = changedRelayStore(store, () => ({
    park: () => {
      parks += 1;
      return Promise.reject(new Error("permission denied"));
    },
  }));
  const relay = await relayOn(here, failing, { transport: refusing(here, tooLarge) });
  relay.start();
  await commit(store, ...many(500, "bad"));
  await here.clock.advance(40);
  expect(relay.health()).toMatchObject({ state: "waiting-for-store", lastError: "permission denied" });
  expect(parks).toBeLessThan(100);
});

test("what cannot be written down of one due event keeps no other from it", async () => {
  let refuse = true;
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, orders);
  const choosy = changedRelayStore(store, (real) => ({
    settleParked: async (lease, settlements) => {
      if (settlements.some(({ event }) => event.id === "k1")) throw new Error("no");
      return real.settleParked(lease, settlements);
    },
  }));
  const transport = refusing(here, (id) => (refuse && id.endsWith("0") ? rejected() : undefined));
  const retry = fixed({ attempts: 99, delayMs: 1_000 });
  const relay = await relayOn(here, choosy, { transport, retry });
  relay.start();
  await commit(store, ...["k0", "k1", "k2"].map((id) => sealed(id, { key: "k" })), sealed("l0"));
  await here.clock.advance(500);
  refuse = false;
  await here.clock.advance(2_000);
  const first = [...new Set(arrived.map(({ id }) => id))];
  expect(first.filter((id) => id.startsWith("k"))).toEqual(["k0", "k1", "k2"]);
  expect(arrived.length).toBeLessThan(10); // what cannot be removed is not sent again and again
  expect((await store.relay.parked({})).map(({ id }) => id)).toEqual(["k1", "k2"]);
});

test("a read asks for a bounded page of bytes, half of it after one that failed, and the whole again after good ones", async () => {
  const here = place();
  const store = storeOn(here);
  let slow = true;
  const asked: { readonly maxRows: number; readonly maxBytes: number }[] = [];
  const counting = changedRelayStore(store, (real) => ({
    read: async (lease, bounds) => {
      asked.push(bounds);
      if (slow && bounds.maxRows > 60) throw storeDown();
      return real.read(lease, bounds);
    },
  }));
  const relay = await relayOn(here, counting, { batchSize: 500, pageMaxBytes: 1_000 });
  relay.start();
  await here.clock.advance(10_000);
  expect(asked.slice(0, 4)).toEqual([
    { maxRows: 500, maxBytes: 1_000 },
    { maxRows: 250, maxBytes: 500 },
    { maxRows: 125, maxBytes: 250 },
    { maxRows: 63, maxBytes: 125 },
  ]);
  expect(asked[4]).toEqual({ maxRows: 32, maxBytes: 63 });
  slow = false;
  await here.clock.advance(20_000);
  expect(asked.at(-1)).toEqual({ maxRows: 500, maxBytes: 1_000 });
});
