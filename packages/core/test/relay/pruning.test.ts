import type { InboxStore, RelayOptions } from "@postrider/core";
import { expect, test } from "vitest";
import { commit, sealed } from "../memory/support/events.ts";
import { place, storeOn } from "../support/services.ts";
import { backlogOf, relayOn } from "./support/relays.ts";

const dayMs = 86_400_000;

/** A relay on a store of which each prune is kept. */
async function pruning(options: RelayOptions = {}, prune?: InboxStore<unknown>["prune"]) {
  const here = place();
  const store = storeOn(here);
  const asked: (readonly [atMs: number, gone: number])[] = [];
  const inbox = {
    ...store.inbox,
    prune: async (how: Parameters<InboxStore<unknown>["prune"]>[0]) => {
      asked.push([here.clock.monotonicMs(), 0]);
      const gone = await (prune ?? store.inbox.prune)(how);
      asked[asked.length - 1] = [here.clock.monotonicMs(), gone];
      return gone;
    },
  };
  const relay = await relayOn(here, { ...store, inbox }, options);
  const mark = (count: number, name: string) =>
    store.transaction(async (tx) =>
      store.inbox.register(
        tx,
        "billing",
        Array.from({ length: count }, (_, n) => `${name}#${n}`),
      ),
    );
  return { here, store, relay, asked, mark };
}

test("120. marks older than a week go away by themselves, 5,000 a second at most, and younger ones stay", async () => {
  const { here, relay, asked, mark } = await pruning();
  await mark(12_000, "old");
  here.clock.setNow(here.clock.now() + 6 * dayMs);
  await mark(10, "young");
  relay.start();
  await here.clock.advance(60_000);
  expect(asked.map(([, gone]) => gone)).toEqual([0]);
  here.clock.setNow(here.clock.now() + dayMs + 1);
  await here.clock.advance(90_000);
  const gone = asked.filter((each) => each[1] > 0);
  expect(gone.map((each) => each[1])).toEqual([5_000, 5_000, 2_000]);
  const [first, second, third] = gone.map(([atMs]) => atMs);
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1_000);
  expect((third ?? 0) - (first ?? 0)).toBeLessThan(6_000);
  expect((await mark(10, "young")).size).toBe(0);
  expect((await mark(12_000, "old")).size).toBe(12_000);
});

test("the retention is an option, and with Infinity the inbox is left alone", async () => {
  const { here, relay, asked, mark } = await pruning({ inboxRetentionMs: 3_600_000 });
  await mark(3, "a");
  relay.start();
  await here.clock.advance(30_000);
  here.clock.setNow(here.clock.now() + 3_600_000);
  await here.clock.advance(60_000);
  expect(asked.filter(([, gone]) => gone > 0)).toHaveLength(1);
  const forever = await pruning({ inboxRetentionMs: Number.POSITIVE_INFINITY });
  await forever.mark(3, "a");
  forever.relay.start();
  forever.here.clock.setNow(forever.here.clock.now() + 999 * dayMs);
  await forever.here.clock.advance(120_000);
  expect(forever.asked).toEqual([]);
});

test("a prune that fails stops nothing, is told once, and is tried again a minute later", async () => {
  let works = false;
  const { here, store, relay, asked } = await pruning({}, async () => {
    if (works) return 0;
    throw new Error("permission denied");
  });
  relay.start();
  await here.clock.advance(200_000);
  await commit(store, sealed("a"));
  await here.clock.advance(100);
  expect(await backlogOf(store)).toBe(0);
  expect(relay.health().state).toBe("leading");
  expect(asked.length).toBe(4);
  const told = () => here.logger.lines.filter(({ message }) => message.includes("inbox"));
  expect(told()).toEqual([
    expect.objectContaining({ level: "warn", context: { reason: "permission denied" } }),
  ]);
  works = true;
  await here.clock.advance(120_000);
  works = false;
  await here.clock.advance(120_000);
  expect(told()).toHaveLength(2);
});

test("a standby prunes nothing, and a drain prunes once", async () => {
  const { here, store, relay, asked } = await pruning();
  const leader = await relayOn(here, store);
  leader.start();
  await here.clock.advance(100);
  relay.start();
  await here.clock.advance(300_000);
  expect(asked).toEqual([]);
  const alone = await pruning();
  await commit(alone.store, sealed("a"), sealed("b"));
  await alone.relay.drainOnce();
  expect(alone.asked).toHaveLength(1);
});

test("46. stop does not wait for a prune that hangs", async () => {
  const { here, relay, asked } = await pruning({}, () => new Promise(() => undefined));
  relay.start();
  await here.clock.advance(100);
  expect(asked).toHaveLength(1);
  let stopped = false;
  const stopping = relay.stop({ drainMs: 60_000 }).then(() => (stopped = true));
  await here.clock.advance(1_001);
  expect(stopped).toBe(true);
  await stopping;
});
