import {
  MessagingError,
  type ParkedEvent,
  type ParkedResult,
  type ParkRequest,
  type RelayLease,
  type StoredEvent,
} from "@postrider/core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { databases, type Opened } from "./support/databases.ts";
import { keyed, sealed } from "./support/events.ts";
import { drain, ids, lead, rows } from "./support/relay.ts";

const refused = new MessagingError("TRANSPORT_REJECTED", "the broker said no");

function parking(event: StoredEvent, status: ParkRequest["status"], waitMs?: number): ParkRequest {
  const error = status === "held" ? undefined : refused;
  return { event, status, attempts: status === "held" ? 0 : 1, waitMs, error };
}

describe.each(databases)("relay store on $name", (database) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await database.open("relay_store");
  });
  afterEach(async () => {
    for (const table of ["outbox_event", "outbox_parked", "outbox_lease"]) {
      await opened.sql(`DELETE FROM "${opened.schema}".${table}`);
    }
  });
  afterAll(() => opened.close());

  const append = (...events: readonly ReturnType<typeof sealed>[]): Promise<void> =>
    opened.store.transaction(async (tx) => opened.store.outbox.append(tx, events));
  const due = async (lease: RelayLease, maxRows = 100): Promise<readonly ParkedEvent[]> =>
    (await opened.store.relay.due(lease, rows(maxRows))).events;
  const settle = (lease: RelayLease, event: ParkedEvent, result: ParkedResult) =>
    opened.store.relay.settleParked(lease, [{ event, result }]);
  /** Makes the time of parked rows come, as far as it was away. */
  const pass = (ms: number): Promise<unknown> =>
    opened.sql(
      `UPDATE "${opened.schema}".outbox_parked SET next_attempt_at = next_attempt_at - interval '${ms} milliseconds'`,
    );
  const columns = (table: string): Promise<readonly unknown[]> =>
    opened.sql(`SELECT id FROM "${opened.schema}".${table} ORDER BY seq`);

  describe("the lease", () => {
    test("100. one owner holds it; another gets it when it was released, with a higher epoch", async () => {
      const { relay } = opened.store;
      const first = await lead(relay, "one");
      expect(await relay.acquire("two", 60_000)).toBeUndefined();
      await relay.release(first);
      const second = await lead(relay, "two");
      expect(second.epoch).toBeGreaterThan(first.epoch);
      expect(await relay.renew(first, 60_000)).toBe(false);
      expect(await relay.renew(second, 60_000)).toBe(true);
    });

    test("100. another owner gets it when it has run out, by the database's clock", async () => {
      const { relay } = opened.store;
      const first = await lead(relay, "one", 60_000);
      await opened.sql(
        `UPDATE "${opened.schema}".outbox_lease SET lease_until = clock_timestamp() - interval '1 second'`,
      );
      const second = await lead(relay, "two");
      expect(second.epoch).toBe(first.epoch + 1);
      expect(await relay.renew(first, 60_000)).toBe(false);
    });

    test("of many that ask at once one gets it", async () => {
      const { relay } = opened.store;
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, n) => relay.acquire(`owner-${n}`, 60_000)),
      );
      expect(all.filter((lease) => lease !== undefined)).toHaveLength(1);
    });

    test("100. an owner that slept past its lease cannot park or settle, and its confirm only removes rows", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"));
      const old = await lead(relay, "sleeper");
      const [one, two] = await relay.read(old, rows(10));
      if (one === undefined || two === undefined) throw new Error("two rows expected");
      await opened.sql(`UPDATE "${opened.schema}".outbox_lease SET lease_until = clock_timestamp()`);
      const now = await lead(relay, "successor");
      const lost = expect.objectContaining({ code: "STORE_LEASE_LOST" });
      await expect(relay.park(old, [parking(one, "retry", 0)])).rejects.toEqual(lost);
      expect(ids(await relay.read(now, rows(10)))).toEqual(["1", "2"]);
      await relay.park(now, [parking(one, "retry", 0)]);
      const [head] = await due(now);
      if (head === undefined) throw new Error("one due row expected");
      await expect(settle(old, head, { kind: "published" })).rejects.toEqual(lost);
      await relay.confirm(old, [two]);
      expect(await relay.read(now, rows(10))).toEqual([]);
      expect(ids(await relay.parked({}))).toEqual(["1"]);
    });
  });

  describe("reading and confirming", () => {
    test("93. rows that were read and not confirmed are read again, with the same ids", async () => {
      const { relay } = opened.store;
      await append(sealed("a"), sealed("b"));
      const first = await lead(relay, "dies");
      const before = await relay.read(first, rows(10));
      await relay.release(first);
      expect(await relay.read(await lead(relay, "next"), rows(10))).toEqual(before);
    });

    test("102. confirm removes exactly these rows; removing one twice is a no-op", async () => {
      const { relay } = opened.store;
      await append(...Array.from({ length: 6 }, (_, n) => sealed(String(n))));
      const lease = await lead(relay);
      const page = await relay.read(lease, rows(10));
      const odd = page.filter((_, n) => n % 2 === 1);
      await relay.confirm(lease, odd);
      await relay.confirm(lease, odd);
      await relay.confirm(lease, []);
      expect(ids(await relay.read(lease, rows(10)))).toEqual(["0", "2", "4"]);
    });

    test("95. a backlog is read in order, page by page", async () => {
      const { relay } = opened.store;
      const all = Array.from({ length: 1_050 }, (_, n) => String(n));
      for (let at = 0; at < all.length; at += 350)
        await append(...all.slice(at, at + 350).map((id) => sealed(id)));
      const lease = await lead(relay);
      expect(ids(await drain(relay, lease, 100))).toEqual(all);
    });

    test("a page holds no more than its limit", async () => {
      const { relay } = opened.store;
      await append(sealed("a"), sealed("b"), sealed("c"));
      expect(ids(await relay.read(await lead(relay), rows(2)))).toEqual(["a", "b"]);
    });

    test("a page holds no more bytes than its bound, and one row however large it is", async () => {
      const { relay } = opened.store;
      const payload = (bytes: number) => ({ payload: Buffer.alloc(bytes, "x"), extensions: {} });
      await append(sealed("a", payload(3_000)), sealed("b", payload(3_000)), sealed("c", payload(300_000)));
      const lease = await lead(relay);
      const page = async (maxBytes: number) => ids(await relay.read(lease, { maxRows: 10, maxBytes }));
      expect(await page(1)).toEqual(["a"]);
      expect(await page(5_999)).toEqual(["a"]);
      expect(await page(6_100)).toEqual(["a", "b"]);
      expect(await page(400_000)).toEqual(["a", "b", "c"]);
      await relay.confirm(lease, await relay.read(lease, rows(2)));
      expect(await page(1_000)).toEqual(["c"]);
    });

    test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
      "a page of %s rows is refused",
      async (n) => {
        const { relay } = opened.store;
        const lease = await lead(relay);
        const refusal = { code: "CONFIG_INVALID" };
        await expect(relay.read(lease, { maxRows: n, maxBytes: 1 })).rejects.toMatchObject(refusal);
        await expect(relay.read(lease, { maxRows: 1, maxBytes: n })).rejects.toMatchObject(refusal);
      },
    );

    test("98. rows are found after the numbers were set back by a restore", async () => {
      const { relay } = opened.store;
      const lease = await lead(relay);
      await append(sealed("a"), sealed("b"));
      await drain(relay, lease);
      await append(sealed("c"));
      await drain(relay, lease);
      await opened.sql(`ALTER SEQUENCE "${opened.schema}".outbox_event_seq_seq RESTART`);
      await append(sealed("restored"));
      expect(ids(await relay.read(lease, rows(10)))).toEqual(["restored"]);
    });

    test("a read leaves the session's settings as they were", async () => {
      const { relay } = opened.store;
      await relay.read(await lead(relay), rows(10));
      const settings = await Promise.all(
        Array.from({ length: 4 }, () => opened.sql("SELECT current_setting('enable_seqscan') AS on")),
      );
      expect(settings.flat()).toEqual(settings.map(() => ({ on: "on" })));
    });

    test("a position that this store did not give out is refused", async () => {
      const { relay } = opened.store;
      const lease = await lead(relay);
      await append(sealed("a"));
      const [row] = await relay.read(lease, rows(1));
      if (row === undefined) throw new Error("one row expected");
      const forged = { ...row, position: "1'); DROP TABLE outbox_event; --" };
      await expect(relay.confirm(lease, [forged])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
      expect(await relay.read(lease, rows(1))).toHaveLength(1);
    });
  });

  describe("parking", () => {
    test("101. park moves rows out of the outbox in one transaction: in one of the two places, never in both or none", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"), keyed("other", "3"));
      const lease = await lead(relay);
      const [one, two] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "retry", 5_000), parking(two, "held")]);
      expect(await columns("outbox_event")).toEqual([{ id: "3" }]);
      expect(await columns("outbox_parked")).toEqual([{ id: "1" }, { id: "2" }]);
      const [head, follower] = await relay.parked({});
      const here = { position: expect.any(String) as string };
      expect(head).toMatchObject({ ...one, ...here, status: "retry", attempts: 1 });
      expect((head?.nextAttemptAtMs ?? 0) - (head?.parkedAtMs ?? 0)).toBeCloseTo(5_000, -2);
      expect(head?.lastError).toBe("TRANSPORT_REJECTED: the broker said no");
      expect(follower).toMatchObject({
        ...two,
        ...here,
        status: "held",
        attempts: 0,
        nextAttemptAtMs: undefined,
        lastError: undefined,
      });
    });

    test("101. when the row cannot be written among the parked ones it stays in the outbox", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"));
      const lease = await lead(relay);
      const [one] = await relay.read(lease, rows(10));
      if (one === undefined) throw new Error("a row expected");
      const wrong = { ...parking(one, "retry", 0), status: "nonsense" } as unknown as ParkRequest;
      await expect(relay.park(lease, [wrong])).rejects.toMatchObject({
        code: "STORE_FAILED",
        context: { sqlState: "23514" },
      });
      expect(await columns("outbox_event")).toEqual([{ id: "1" }]);
      expect(await columns("outbox_parked")).toEqual([]);
    });

    test("a row that was confirmed meanwhile is not parked", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"));
      const lease = await lead(relay);
      const page = await relay.read(lease, rows(10));
      await relay.confirm(lease, page);
      await relay.park(
        lease,
        page.map((row) => parking(row, "retry", 0)),
      );
      expect(await relay.parked({})).toEqual([]);
    });

    test("101. a row is due when its time has come, and not before", async () => {
      const { relay } = opened.store;
      await append(sealed("1", { key: undefined }));
      const lease = await lead(relay);
      await relay.park(
        lease,
        (await relay.read(lease, rows(1))).map((row) => parking(row, "retry", 10_000)),
      );
      const { events, nextInMs } = await relay.due(lease, rows(10));
      expect(events).toEqual([]);
      expect(nextInMs).toBeGreaterThan(5_000);
      expect(nextInMs).toBeLessThanOrEqual(10_000);
      await pass(10_000);
      expect(await relay.due(lease, rows(10))).toMatchObject({ events: [{ id: "1" }], nextInMs: undefined });
    });

    test("99. a key with a parked row is held; the same key in another channel, and events without a key, are not", async () => {
      const { relay } = opened.store;
      await append(
        keyed("k", "1"),
        sealed("2", { key: undefined }),
        sealed("3", { key: "k", channel: "elsewhere" }),
      );
      const lease = await lead(relay);
      const [one, two] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "retry", 0), parking(two, "retry", 0)]);
      expect(await relay.heldKeys(lease)).toEqual([{ channel: "com.acme.orders", key: "k" }]);
    });

    test("99. published makes the next of the key due, in order, and empties the key, which is told", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"), keyed("k", "3"));
      const lease = await lead(relay);
      const [one, ...others] = await relay.read(lease, rows(10));
      if (one === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "retry", 0), ...others.map((row) => parking(row, "held"))]);
      const passed: string[] = [];
      const freed: unknown[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const found = await due(lease);
        expect(found).toHaveLength(3 - turn);
        const [head] = found;
        if (head === undefined) break;
        passed.push(head.id);
        freed.push(await settle(lease, head, { kind: "published" }));
      }
      expect(passed).toEqual(["1", "2", "3"]);
      expect(freed).toEqual([[], [], [{ channel: "com.acme.orders", key: "k" }]]);
      expect(await relay.heldKeys(lease)).toEqual([]);
      expect(await relay.parked({})).toEqual([]);
    });

    test("99. a row whose time has come waits behind an earlier one of its key whose time has not", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"), keyed("other", "3"));
      const lease = await lead(relay);
      const dueAtMs = new Map([
        ["1", 100_000],
        ["2", 0],
        ["3", 0],
      ]);
      await relay.park(
        lease,
        (await relay.read(lease, rows(10))).map((row) => parking(row, "retry", dueAtMs.get(row.id))),
      );
      expect(ids(await due(lease))).toEqual(["3"]);
      await pass(100_000);
      expect(ids(await due(lease)).toSorted()).toEqual(["1", "3"]);
    });

    test("101. a retry keeps its place in front of its key, with its attempts and its error", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"));
      const lease = await lead(relay);
      const [one, two] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "retry", 0), parking(two, "held")]);
      const [head] = await due(lease);
      if (head === undefined) throw new Error("a due row expected");
      await settle(lease, head, { kind: "retry", attempts: 2, waitMs: 90_000, error: refused });
      expect(await due(lease)).toEqual([]);
      await pass(90_000);
      expect(await due(lease)).toMatchObject([
        { id: "1", status: "retry", attempts: 2, lastError: "TRANSPORT_REJECTED: the broker said no" },
        { id: "2", status: "held" },
      ]);
    });

    test("99. a dead row holds its key, or lets the others pass", async () => {
      const { relay } = opened.store;
      await append(keyed("a", "a1"), keyed("a", "a2"), keyed("b", "b1"), keyed("b", "b2"));
      const lease = await lead(relay);
      const page = await relay.read(lease, rows(10));
      await relay.park(
        lease,
        page.map((row) => (row.id.endsWith("1") ? parking(row, "retry", 0) : parking(row, "held"))),
      );
      const heads = (await due(lease)).filter(({ id }) => id.endsWith("1"));
      await relay.settleParked(
        lease,
        heads.map((event) => ({
          event,
          result: {
            kind: "dead",
            attempts: 9,
            error: refused,
            onDead: event.key === "a" ? "skip" : "hold-key",
          },
        })),
      );
      expect(ids(await due(lease))).toEqual(["a2"]);
      expect(await relay.heldKeys(lease)).toEqual(
        expect.arrayContaining([
          { channel: "com.acme.orders", key: "a" },
          { channel: "com.acme.orders", key: "b" },
        ]),
      );
      expect(ids(await relay.parked({ status: "dead" }))).toEqual(["a1", "b1"]);
      const [passed] = await due(lease);
      if (passed === undefined) throw new Error("a due row expected");
      await settle(lease, passed, { kind: "published" });
      expect(await relay.heldKeys(lease)).toEqual([{ channel: "com.acme.orders", key: "b" }]);
      expect((await relay.status()).dead).toBe(2);
    });

    test("99. a row that is parked as held behind nothing, since a person dropped what stood there, is due", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"));
      const lease = await lead(relay);
      const [one] = await relay.read(lease, rows(10));
      if (one === undefined) throw new Error("a row expected");
      await relay.park(lease, [parking(one, "held")]);
      expect(await due(lease)).toMatchObject([{ id: "1", status: "retry", attempts: 0 }]);
    });

    test("99. a key of a megabyte is parked, held and released as any other, and so is its neighbour", async () => {
      const { relay } = opened.store;
      const [key, neighbour] = [`${"k".repeat(1_048_576)}a`, `${"k".repeat(1_048_576)}b`];
      await append(keyed(key, "1"), keyed(key, "2"), keyed(neighbour, "3"));
      const lease = await lead(relay);
      const [one, two, three] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined || three === undefined) throw new Error("rows expected");
      await relay.park(lease, [
        parking(one, "retry", 0),
        parking(two, "held"),
        parking(three, "retry", 90_000),
      ]);
      expect((await relay.heldKeys(lease)).map((held) => held.key).toSorted()).toEqual([key, neighbour]);
      const found = await due(lease);
      expect(ids(found)).toEqual(["1", "2"]);
      const settlements = found.map((event) => ({ event, result: { kind: "published" } as const }));
      expect(await relay.settleParked(lease, settlements)).toEqual([{ channel: "com.acme.orders", key }]);
      expect(ids(await relay.parked({}))).toEqual(["3"]);
    });

    test("101. a failure is written down whatever stands in its message", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"));
      const lease = await lead(relay);
      const [one] = await relay.read(lease, rows(10));
      if (one === undefined) throw new Error("a row expected");
      const error = new MessagingError("TRANSPORT_REJECTED", `a\0b${"x".repeat(1_976)}🐎`);
      await relay.park(lease, [{ ...parking(one, "retry", 0), error }]);
      const [row] = await due(lease);
      expect(row?.lastError).toBe(`TRANSPORT_REJECTED: a\uFFFDb${"x".repeat(1_976)}\uFFFD`);
      if (row === undefined) return;
      await settle(lease, row, { kind: "dead", attempts: 2, error, onDead: "skip" });
      expect((await relay.parked({}))[0]).toMatchObject({ status: "dead", lastError: row.lastError });
    });

    test("98. an event whose number an older parked one had is parked all the same, and stands behind it", async () => {
      const { relay } = opened.store;
      const lease = await lead(relay);
      const restart = () => opened.sql(`ALTER SEQUENCE "${opened.schema}".outbox_event_seq_seq RESTART`);
      await restart();
      await append(keyed("k", "1"), keyed("k", "2"));
      await relay.park(
        lease,
        (await relay.read(lease, rows(10))).map((row, n) => parking(row, n === 0 ? "dead" : "held")),
      );
      await restart();
      await append(keyed("k", "3"));
      await relay.park(
        lease,
        (await relay.read(lease, rows(10))).map((row) => parking(row, "held")),
      );
      expect(ids(await relay.parked({}))).toEqual(["1", "2", "3"]);
      const [dead] = await relay.parked({ status: "dead" });
      expect(await relay.discardParked([dead?.position ?? ""])).toBe(1);
      expect(ids(await due(lease))).toEqual(["2", "3"]);
    });

    test("a page of due rows goes round the keys, and is bounded in rows and bytes", async () => {
      const { relay } = opened.store;
      const lease = await lead(relay);
      for (const key of ["a", "b"]) {
        const payload = Buffer.alloc(1_000);
        await append(...[1, 2, 3].map((n) => sealed(`${key}${n}`, { key, payload, extensions: {} })));
        const [head, ...behind] = await relay.read(lease, rows(10));
        if (head === undefined) throw new Error("rows expected");
        await relay.park(lease, [parking(head, "retry", 0), ...behind.map((row) => parking(row, "held"))]);
      }
      const found = async (maxRows: number, maxBytes: number) =>
        ids((await relay.due(lease, { maxRows, maxBytes })).events);
      expect(await found(100, 1_000_000)).toEqual(["a1", "a2", "a3", "b1", "b2", "b3"]);
      expect(await found(8, 1_000_000)).toEqual(["a1", "a2", "b1", "b2"]);
      expect(await found(3, 1_000_000)).toEqual(["a1", "b1"]);
      expect(await found(100, 2_500)).toEqual(["a1", "a2"]);
      expect(await found(100, 1)).toEqual(["a1"]);
    });

    test("101. parked rows are listed by status and key, oldest first, at most the limit", async () => {
      const { relay } = opened.store;
      await append(keyed("a", "1"), keyed("b", "2"), keyed("a", "3"));
      const lease = await lead(relay);
      const [one, two, three] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined || three === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "dead"), parking(two, "retry", 0), parking(three, "held")]);
      expect(ids(await relay.parked({}))).toEqual(["1", "2", "3"]);
      expect(ids(await relay.parked({ limit: 2 }))).toEqual(["1", "2"]);
      expect(ids(await relay.parked({ key: "a" }))).toEqual(["1", "3"]);
      expect(ids(await relay.parked({ key: "a", status: "dead" }))).toEqual(["1"]);
    });

    test("101. a dead row that is retried is due at once, with no attempts, and its followers after it", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"));
      const lease = await lead(relay);
      const [one, two] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "dead"), parking(two, "held")]);
      expect(await relay.retryParked((await relay.parked({})).map(({ position }) => position))).toBe(2);
      const [head] = await due(lease);
      expect(head).toMatchObject({ id: "1", attempts: 0, status: "retry" });
      if (head === undefined) return;
      await settle(lease, head, { kind: "published" });
      expect(ids(await due(lease))).toEqual(["2"]);
    });

    test("101. discarding a dead row lets the next of its key go", async () => {
      const { relay } = opened.store;
      await append(keyed("k", "1"), keyed("k", "2"));
      const lease = await lead(relay);
      const [one, two] = await relay.read(lease, rows(10));
      if (one === undefined || two === undefined) throw new Error("rows expected");
      await relay.park(lease, [parking(one, "dead"), parking(two, "held")]);
      expect(await due(lease)).toEqual([]);
      const [dead] = await relay.parked({ status: "dead" });
      expect(await relay.discardParked([dead?.position ?? "", "999999"])).toBe(1);
      expect(ids(await due(lease))).toEqual(["2"]);
      expect(await relay.discardParked([])).toBe(0);
    });
  });

  test("status tells backlog, age of the oldest row, parked and dead rows, and the owner", async () => {
    const { relay } = opened.store;
    expect(await relay.status()).toEqual({
      backlog: 0,
      oldestAgeMs: undefined,
      parked: 0,
      dead: 0,
      owner: undefined,
      pausedAtMs: undefined,
      inexact: [],
    });
    await append(sealed("1"), sealed("2"), sealed("3"));
    const lease = await lead(relay, "me");
    const [one] = await relay.read(lease, rows(1));
    if (one === undefined) throw new Error("a row expected");
    await relay.park(lease, [parking(one, "dead")]);
    const status = await relay.status();
    expect(status).toMatchObject({ backlog: 2, parked: 1, dead: 1, owner: "me" });
    expect(status.oldestAgeMs).toBeGreaterThanOrEqual(0);
    expect(status.oldestAgeMs).toBeLessThan(60_000);
  });
});
