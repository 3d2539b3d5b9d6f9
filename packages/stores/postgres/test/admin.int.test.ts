import {
  type AdministeredStore,
  createRelay,
  memory,
  memoryStore,
  type MemoryTx,
  outboxAdmin,
  type RelaySource,
  type SealedEvent,
  type Store,
} from "@postrider/core";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { databases, type Opened, server, type TestTx } from "./support/databases.ts";
import { keyed } from "./support/events.ts";
import { ids, lead, rows } from "./support/relay.ts";

const hourMs = 3_600_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const error = { code: "TRANSPORT_REJECTED", message: "no", retryable: false, name: "Error" } as const;

/** A store, whatever its transactions are. */
type AnyStore = RelaySource & AdministeredStore & { add(events: readonly SealedEvent[]): Promise<void> };

function anyStore<Tx>(store: Store<Tx>): AnyStore {
  const add = (events: readonly SealedEvent[]) =>
    store.transaction(async (tx) => void (await store.outbox.append(tx, events)));
  return { relay: store.relay, outbox: store.outbox, inbox: store.inbox, add };
}

/** Events of keys `a`, `b` and `c`, all of them parked as dead. */
async function parkDead(store: AnyStore, count: number): Promise<void> {
  await store.add(Array.from({ length: count }, (_, n) => keyed(["a", "b", "c"][n % 3] ?? "", `dead-${n}`)));
  const lease = await store.relay.acquire("a person", hourMs);
  if (lease === undefined) throw new Error("somebody leads");
  for (let page = await store.relay.read(lease, rows(500)); page.length > 0;) {
    await store.relay.park(
      lease,
      page.map((event) => ({ event, status: "dead", attempts: 3, waitMs: undefined, error, onDead: "skip" })),
    );
    page = await store.relay.read(lease, rows(500));
  }
  await store.relay.release(lease);
}

describe.each([
  ...databases,
  { name: "memory", open: async () => ({ store: memoryStore(), close: async () => {} }) },
])("the administration of an outbox on $name", (database) => {
  let store: AnyStore;
  beforeEach(async () => {
    const opened = await database.open(`admin_${Math.random().toString(36).slice(2)}`);
    store = anyStore<TestTx | MemoryTx>(opened.store);
    return opened.close;
  });

  test("101. parked events are chosen by position and by what they are, and many of them", async () => {
    const admin = outboxAdmin(store);
    await parkDead(store, 1_203);
    expect(await admin.status()).toMatchObject({ parked: 1_203, dead: 1_203, inexact: [] });
    const [first, second] = await admin.parked({ key: "a", limit: 2 });
    expect([first?.id, second?.id]).toEqual(["dead-0", "dead-3"]);
    expect(ids(await admin.parked({ key: "a", after: first?.position, limit: 1 }))).toEqual(["dead-3"]);
    expect(await admin.parked({ position: first?.position ?? "" })).toEqual([first]);
    expect(await admin.parked({ type: "com.acme.none.v1" })).toEqual([]);
    expect(await admin.discard({ positions: [first?.position ?? "", second?.position ?? ""] })).toBe(2);
    expect(await admin.discard({ key: "b", channel: "com.acme.orders" })).toBe(401);
    expect(await admin.retry({ status: "dead" })).toBe(800);
    expect(await admin.status()).toMatchObject({ parked: 800, dead: 0 });
  });

  test("a choice without a condition, or with one that does not exist, changes nothing", async () => {
    const admin = outboxAdmin(store);
    await parkDead(store, 2);
    await expect(admin.discard({})).rejects.toThrow(/at least one of 'status'/);
    await expect(admin.discard({ kei: "a" } as never)).rejects.toThrow(/kei/);
    expect(await admin.status()).toMatchObject({ parked: 2 });
  });

  test("a paused outbox halts a relay at work, and resume wakes it", async () => {
    const admin = outboxAdmin(store);
    const transport = memory();
    await transport.connect();
    const relay = createRelay({ store, transport, logger: silent, minPollMs: 1, maxPollMs: 60_000 });
    onTestFinished(async () => {
      await relay.stop();
      await transport.close();
    });
    await admin.pause();
    relay.start();
    await store.add([keyed("k", "later")]);
    await vi.waitFor(() => expect(relay.health().state).toBe("leading"), { timeout: 10_000 });
    expect(await relay.status()).toMatchObject({ backlog: 1 });
    expect((await relay.status()).pausedAtMs).toBeGreaterThan(0);
    await admin.resume();
    await vi.waitFor(async () => expect((await admin.status()).backlog).toBe(0), { timeout: 10_000 });
  });
});

describe("on a real server", () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await server.open("admin_archive");
  });
  afterAll(() => opened.close());

  test("103. what was published goes into the archive in the statement that deletes it, and out of it in time", async () => {
    const { schema } = opened;
    const store = opened.another({ archiveRetentionMs: hourMs });
    await store.transaction(async (tx) =>
      store.outbox.append(
        tx,
        ["1", "2", "3", "4"].map((id) => keyed("k", id)),
      ),
    );
    const lease = await lead(store.relay);
    const [one, two, three, four] = await store.relay.read(lease, rows(10));
    if (!one || !two || !three || !four) throw new Error("four rows");
    await store.relay.confirm(lease, [one, two]);
    await store.relay.confirm(lease, [one]);
    await store.relay.park(
      lease,
      [three, four].map((event) => ({ event, status: "retry", attempts: 1, waitMs: 0, error })),
    );
    const { events } = await store.relay.due(lease, rows(10));
    await store.relay.settleParked(
      lease,
      events.slice(0, 1).map((event) => ({ event, result: { kind: "published" } })),
    );
    await store.relay.discardParked((await store.relay.parked({})).map(({ position }) => position));
    const admin = outboxAdmin(store);
    const kept = await admin.archived();
    expect(ids(kept)).toEqual(["1", "2", "3"]);
    expect(kept[0]).toMatchObject({ payload: one.payload, extensions: one.extensions, key: "k" });
    expect(ids(await admin.archived({ after: kept[0]?.position, limit: 1 }))).toEqual(["2"]);
    expect(await store.relay.pruneArchive(10)).toBe(0);
    await opened.sql(
      `UPDATE "${schema}".outbox_archive SET published_at = published_at - interval '2 hours'`,
    );
    expect(await store.relay.pruneArchive(2)).toBe(2);
    expect(await store.relay.pruneArchive(10)).toBe(1);
  });

  test("without the option nothing is kept", async () => {
    const { store } = opened;
    await store.transaction(async (tx) => store.outbox.append(tx, [keyed("k", "gone")]));
    const lease = await lead(store.relay);
    await store.relay.confirm(lease, await store.relay.read(lease, rows(10)));
    expect(await outboxAdmin(store).archived()).toEqual([]);
    expect(() => opened.another({ archiveRetentionMs: 5 })).toThrow(/archiveRetentionMs/);
  });

  test("104. the status looks at no more than 10,000 rows, and says where it stopped", async () => {
    const { schema, store } = opened;
    const insert = (table: string, names: string, values: string) =>
      opened.sql(
        `INSERT INTO "${schema}".${table} (shard, id, aggregatetype, aggregateid, type, source, specversion, attributes, stored_at${names})
         SELECT 1, 'id-' || n, 'c', 'k', 't', '/s', '1.0', '{}', clock_timestamp()${values} FROM generate_series(1, 60000) AS n`,
      );
    await insert("outbox_event", "", "");
    await insert("outbox_parked", ", status, holds, attempts", ", 'dead', false, 1");
    await opened.sql(`ANALYZE "${schema}".outbox_event`);
    const status = await store.relay.status();
    expect(status).toMatchObject({ parked: 10_000, dead: 10_000, inexact: ["backlog", "parked", "dead"] });
    expect(status.backlog).toBeGreaterThanOrEqual(60_000);
  });
});
