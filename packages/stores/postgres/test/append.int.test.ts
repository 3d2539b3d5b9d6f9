import { isMessagingError, type SqlTx } from "@postrider/core";
import { fromPg } from "@postrider/core/sql";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { fakeClock } from "./support/clock.ts";
import { databases, type Opened, server, url } from "./support/databases.ts";
import { keyed, sealed } from "./support/events.ts";
import { drain, ids, lead, rows } from "./support/relay.ts";

describe.each(databases)("append on $name", (database) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await database.open("append");
    await opened.sql(`CREATE TABLE "${opened.schema}".orders (id text)`);
  });
  afterAll(() => opened.close());

  const stored = async (): Promise<string[]> => {
    const { relay } = opened.store;
    const lease = await lead(relay);
    return ids(await drain(relay, lease));
  };

  test("89. events of a committed transaction are read, those of one rolled back never are", async () => {
    const { store } = opened;
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [sealed("kept")])));
    await expect(
      store.transaction(async (tx) => {
        await store.outbox.append(tx, [sealed("gone")]);
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    expect(await stored()).toEqual(["kept"]);
  });

  test("89. an event of a savepoint that was rolled back is never read", async () => {
    const { store } = opened;
    await store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("before")]);
      await tx.query("SAVEPOINT s");
      await store.outbox.append(tx, [sealed("inside")]);
      await tx.query("ROLLBACK TO SAVEPOINT s");
      await store.outbox.append(tx, [sealed("after")]);
    });
    expect(await stored()).toEqual(["before", "after"]);
  });

  test("90. two appends in one transaction are one set, in the order given", async () => {
    const { store } = opened;
    const first = Array.from({ length: 40 }, (_, n) => sealed(`a${n}`));
    const second = Array.from({ length: 40 }, (_, n) => sealed(`b${n}`));
    await store.transaction(async (tx) => {
      await store.outbox.append(tx, first);
      await store.outbox.append(tx, second);
    });
    expect(await stored()).toEqual(ids([...first, ...second]));
  });

  test("an event comes back with every attribute, its types and its exact bytes", async () => {
    const { store } = opened;
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    const full = sealed("full", { payload: bytes, extensions: { text: "ü\"\\'$1?", n: -5, yes: false } });
    const bare = sealed("bare", {
      key: undefined,
      time: undefined,
      subject: undefined,
      contentType: undefined,
      dataschema: undefined,
      payload: undefined,
      extensions: {},
      traceparent: undefined,
      tracestate: undefined,
      tenant: undefined,
    });
    const empty = sealed("empty", { payload: new Uint8Array(0) });
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [full, bare, empty])));
    const lease = await lead(store.relay);
    const rows = await drain(store.relay, lease);
    expect(rows.map((row) => ({ ...row, payload: plain(row.payload) }))).toEqual(
      [full, bare, empty].map((event) => ({
        ...event,
        payload: plain(event.payload),
        position: expect.stringMatching(/^\d+$/),
        storedAtMs: expect.any(Number),
      })),
    );
    expect(Math.abs((rows[0]?.storedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("no event writes nothing and asks for no transaction", async () => {
    const { store } = opened;
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [])));
    expect(await stored()).toEqual([]);
  });

  test("a synchronous transaction is refused", async () => {
    const { store } = opened;
    const sync: SqlTx = {
      mode: "sync",
      placeholders: "?",
      inTransaction: () => true,
      execute: () => ({ rows: [], affected: 0 }),
    };
    await expect(Promise.resolve(store.outbox.append(sync, [sealed("x")]))).rejects.toThrow(/synchronous/);
  });

  test("92. a handle that is no open transaction is refused, and nothing is written", async () => {
    const { store } = opened;
    const outside: SqlTx = {
      mode: "async",
      placeholders: "$n",
      inTransaction: () => false,
      execute: async (text, values) => ({ rows: await opened.sql(text, [...values]), affected: 0 }),
    };
    const outcome = await Promise.resolve(store.outbox.append(outside, [sealed("x")])).catch(
      (error: unknown) => error,
    );
    expect(isMessagingError(outcome, "STORE_OUTSIDE_TRANSACTION")).toBe(true);
    expect(await stored()).toEqual([]);
  });

  test("a transaction of the store signals once it is committed, and not when it is rolled back", async () => {
    const { store } = opened;
    let signals = 0;
    const end = store.outbox.onSignal(() => {
      signals += 1;
    });
    const failed = store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("x")]);
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(signals).toBe(0);
    await store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("y")]);
      expect(signals).toBe(0);
    });
    expect(signals).toBe(1);
    end();
    await stored();
  });
});

describe("append through the user's own transaction", () => {
  let opened: Opened;
  let pool: Pool;
  beforeAll(async () => {
    opened = await server.open("append_own");
    pool = new Pool({ connectionString: url(), max: 4 });
  });
  afterEach(async () => {
    const { relay } = opened.store;
    await drain(relay, await lead(relay));
  });
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  test("91. a client on which the user said BEGIN carries the events", async () => {
    const { store } = opened;
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await store.outbox.append(fromPg(client), [keyed("k", "1"), keyed("k", "2")]);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    expect(ids(await store.relay.read(await lead(store.relay), rows(10)))).toEqual(["1", "2"]);
  });

  test("a transaction of the user is guessed at: four hints come by themselves, the first after a millisecond", async () => {
    const clock = fakeClock();
    const store = opened.another({ clock });
    const atMs: number[] = [];
    store.outbox.onSignal(() => atMs.push(clock.now()));
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await store.outbox.append(fromPg(client), [keyed("k", "1")]);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    expect(atMs).toEqual([]);
    clock.advance(100);
    expect(atMs).toEqual([1, 3, 10, 30]);
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [keyed("k", "2")])));
    clock.advance(100);
    expect(atMs).toEqual([1, 3, 10, 30, 100]);
    await store.close();
  });

  test("92. a client without BEGIN is refused, in each way it can be given", async () => {
    const { store } = opened;
    const client = await pool.connect();
    try {
      const refused = expect.objectContaining({ code: "STORE_OUTSIDE_TRANSACTION" });
      await expect(Promise.resolve(store.outbox.append(fromPg(client), [sealed("x")]))).rejects.toEqual(
        refused,
      );
      await expect(Promise.resolve(store.outbox.append(client, [sealed("x")]))).rejects.toEqual(refused);
      expect(() => fromPg(pool as never)).toThrow(refused);
      await expect(Promise.resolve(store.outbox.append(undefined as never, [sealed("x")]))).rejects.toEqual(
        refused,
      );
    } finally {
      client.release();
    }
    expect(await store.relay.read(await lead(store.relay), rows(10))).toEqual([]);
  });

  test("91. a library that writes '?' for parameters carries the events too", async () => {
    const { store } = opened;
    const client = await pool.connect();
    // As knex does it: `?` in order, and an array as a list, so that only text and null get through.
    const questionMarks: SqlTx = {
      mode: "async",
      placeholders: "?",
      inTransaction: () => undefined,
      execute: async (text, values) => {
        if (/\$\d/.test(text) || values.some((value) => value !== null && typeof value === "object"))
          throw new Error("not for knex");
        let place = 0;
        const result = await client.query(
          text.replaceAll("?", () => `$${(place += 1)}`),
          [...values],
        );
        return { rows: result.rows, affected: result.rowCount ?? 0 };
      },
    };
    try {
      await client.query("BEGIN");
      await store.outbox.append(questionMarks, [keyed("k", "1")]);
      await store.outbox.append(questionMarks, [keyed("k", "2"), keyed("k", "3")]);
      expect(await store.inbox.register(questionMarks, "c", ["s#1"])).toEqual(new Set(["s#1"]));
      await store.inbox.unregister(questionMarks, "c", ["s#1"]);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    expect(ids(await store.relay.read(await lead(store.relay), rows(10)))).toEqual(["1", "2", "3"]);
  });

  test("a statement that fails tells its SQLSTATE, and the user's transaction is left to the user", async () => {
    const { store } = opened;
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const outcome = Promise.resolve(store.outbox.append(fromPg(client), [sealed("a\u0000b")]));
      await expect(outcome).rejects.toMatchObject({ code: "STORE_FAILED", context: { sqlState: "22021" } });
      await expect(client.query("SELECT 1")).rejects.toMatchObject({ code: "25P02" });
      await client.query("ROLLBACK");
    } finally {
      client.release();
    }
  });
});

function plain(payload: Uint8Array | undefined): readonly number[] | undefined {
  return payload === undefined ? undefined : [...payload];
}
