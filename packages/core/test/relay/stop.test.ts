import { expect, test } from "vitest";
import type { RelayStore } from "@postrider/core";
import { commit, gate, sealed } from "../memory/support/events.ts";
import { until } from "../support/recorder.ts";
import { changedPublisher, place, storeOn, type Place } from "../support/services.ts";
import { backlogOf, changedRelayStore, relayOn, storeDown } from "./support/relays.ts";

/** A relay whose database or broker stands still at one call, for as long as the gate is closed. */
async function standingStill(at: "publish" | keyof RelayStore) {
  const here = place();
  const store = storeOn(here);
  const mended = gate();
  let frozen = false;
  let reached = false;
  const slow = async <R>(call: () => Promise<R>): Promise<R> => {
    if (!frozen) return call();
    reached = true;
    await mended.opened;
    return call();
  };
  const sent: string[] = [];
  const transport = changedPublisher(here, (real) => ({
    publish: (batch, bounds) => {
      sent.push(...batch.map(({ attributes }) => String(attributes["id"])));
      return at === "publish" ? slow(() => real.publish(batch, bounds)) : real.publish(batch, bounds);
    },
  }));
  const changed = changedRelayStore(store, (real) =>
    at === "publish"
      ? {}
      : {
          [at]: (...given: never[]) =>
            slow(() => (real[at] as (...all: never[]) => Promise<never>)(...given)),
        },
  );
  const relay = await relayOn(here, changed, { transport, publishDeadlineMs: 60_000 });
  relay.start();
  await here.clock.advance(100);
  return {
    here,
    store,
    relay,
    sent,
    mend: mended.open,
    freeze: async () => {
      frozen = true;
      await commit(store, sealed("a"));
      await here.clock.advance(0);
      if (at !== "release") await here.clock.runUntil(() => reached);
    },
  };
}

/** How long a stop takes, by the fake clock. */
async function timeOf({ clock }: Place, stopping: Promise<void>, withinMs: number): Promise<number> {
  const fromMs = clock.monotonicMs();
  let done = false;
  void stopping.then(() => (done = true));
  await clock.advance(0);
  if (!done) await clock.runUntil(() => done, { withinMs });
  return clock.monotonicMs() - fromMs;
}

test.each(["read", "due", "renew", "release"] as const)(
  "46. stop ends within a second although the database answers no %s, and nothing is sent when it answers later",
  async (call) => {
    const { here, relay, sent, freeze, mend } = await standingStill(call);
    await freeze();
    const before = [...sent];
    expect(await timeOf(here, relay.stop({ drainMs: 60_000 }), 10_000)).toBeLessThan(1_001);
    expect(relay.health().state).toBe("stopped");
    mend();
    await here.clock.advance(60_000);
    expect(sent).toEqual(before);
    expect(relay.health().state).toBe("stopped");
  },
);

test("46. stop waits for a page on its way to a broker that says nothing for drainMs, and the row stays", async () => {
  const { here, store, relay, sent, freeze } = await standingStill("publish");
  await freeze();
  const tookMs = await timeOf(here, relay.stop({ drainMs: 3_000 }), 60_000);
  expect(tookMs).toBeGreaterThanOrEqual(3_000);
  expect(tookMs).toBeLessThan(4_001);
  expect([sent, await backlogOf(store)]).toEqual([["a"], 1]);
  expect(await store.relay.status()).toMatchObject({ owner: undefined });
});

test("46. stop waits for the confirmation of what the broker has taken, and no longer than drainMs", async () => {
  const { here, store, relay, freeze, mend } = await standingStill("confirm");
  await freeze();
  const stopping = relay.stop({ drainMs: 3_000 });
  await here.clock.advance(2_000);
  mend();
  expect(await timeOf(here, stopping, 10_000)).toBe(0);
  expect(await backlogOf(store)).toBe(0);
});

test("a lease that is given while the relay stops is given back", async () => {
  const here = place();
  const store = storeOn(here);
  const slow = gate();
  let asked = false;
  const changed = changedRelayStore(store, (real) => ({
    acquire: async (...given) => {
      asked = true;
      await slow.opened;
      return real.acquire(...given);
    },
  }));
  const relay = await relayOn(here, changed);
  relay.start();
  await until("it asks", () => asked);
  await here.clock.advance(0);
  const stopping = relay.stop();
  slow.open();
  await stopping;
  expect(await store.relay.status()).toMatchObject({ owner: undefined });
});

test("what fails while the relay stops is told to nobody", async () => {
  const { here, relay, freeze } = await standingStill("read");
  await freeze();
  const lines = here.logger.lines.length;
  await Promise.all([relay.stop({ drainMs: 0 }), here.clock.advance(60_000)]);
  expect(here.logger.lines).toHaveLength(lines);
  expect(relay.health()).toMatchObject({ state: "stopped", errorCode: undefined });
});

test("a stop ends a drain after the page under way, and the drain tells what it did", async () => {
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
  await commit(store, ...Array.from({ length: 10 }, (_, n) => sealed(String(n))));
  const draining = relay.drainOnce();
  await until("the page is under way", () => pages === 1);
  const stopping = relay.stop();
  slow.open();
  await stopping;
  expect([await draining, pages, await backlogOf(store)]).toEqual([2, 1, 8]);
});

test.each([-1, Number.NaN, "1s", null])(
  "stop refuses a drainMs of %s, and the relay goes on",
  async (drainMs) => {
    const here = place();
    const relay = await relayOn(here, storeOn(here));
    relay.start();
    await here.clock.advance(100);
    await expect(relay.stop({ drainMs: drainMs as never })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      problems: ["drainMs: must be 0 or more milliseconds"],
    });
    expect(relay.health().state).toBe("leading");
  },
);

test("stop refuses an option that there is not, and tells which was meant", async () => {
  const here = place();
  const relay = await relayOn(here, storeOn(here));
  await expect(relay.stop({ drainMS: 5 } as never)).rejects.toMatchObject({
    problems: ["drainMS: is no option (did you mean 'drainMs'?)"],
  });
  await expect(relay.stop(null as never)).rejects.toMatchObject({ problems: ["options: must be an object"] });
});

test("health tells what the relay is at, since when it had no good turn, and why it waits, without a query", async () => {
  const here = place();
  const store = storeOn(here);
  let away = false;
  let calls = 0;
  const counting = changedRelayStore(store, (real) => ({
    status: () => Promise.reject(new Error("health must not ask")),
    read: (...given) => {
      calls += 1;
      return away ? Promise.reject(storeDown()) : real.read(...given);
    },
  }));
  const relay = await relayOn(here, counting, { leaseMs: 3_000 });
  const standby = await relayOn(here, store, { leaseMs: 3_000 });
  const nothing = { errorCode: undefined, lastError: undefined };
  expect(relay.health()).toEqual({ state: "stopped", lastTurnAgeMs: undefined, ...nothing });
  relay.start();
  await here.clock.advance(100);
  standby.start();
  await here.clock.advance(20_000);
  expect(relay.health()).toEqual({ state: "leading", lastTurnAgeMs: expect.any(Number), ...nothing });
  expect(standby.health()).toEqual({ state: "standby", lastTurnAgeMs: expect.any(Number), ...nothing });
  expect(relay.health().lastTurnAgeMs).toBeLessThanOrEqual(1_200);
  expect(standby.health().lastTurnAgeMs).toBeLessThanOrEqual(1_000);
  await standby.stop();
  const before = calls;
  relay.health();
  expect(calls).toBe(before);
  away = true;
  await here.clock.advance(30_000);
  expect(relay.health()).toMatchObject({
    state: "waiting-for-store",
    errorCode: "STORE_UNAVAILABLE",
    lastError: "the database is away",
  });
  expect(relay.health().lastTurnAgeMs).toBeGreaterThanOrEqual(28_000);
  away = false;
  await here.clock.advance(6_000);
  here.broker.stop();
  await commit(store, sealed("a"));
  await here.clock.advance(60_000);
  expect(relay.health()).toMatchObject({
    state: "waiting-for-broker",
    errorCode: expect.stringMatching(/^TRANSPORT_/),
  });
  here.broker.start();
});
