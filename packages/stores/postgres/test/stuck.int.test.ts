import { defineConsumer, fixed } from "@postrider/core";
import { pgTransactor } from "@postrider/core/sql";
import { Pool, type PoolClient } from "pg";
import { postgres } from "@postrider/postgres";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fakeClock } from "./support/clock.ts";
import { type Opened, server, type TestTx, url } from "./support/databases.ts";
import { openLine } from "./support/proxy.ts";
import { Counted, serviceOn, until } from "./support/service.ts";

describe("work that hangs in a statement", () => {
  let opened: Opened;
  let table: string;
  beforeAll(async () => {
    opened = await server.open("stuck");
    table = `"${opened.schema}".counter`;
    await opened.sql(`CREATE TABLE ${table} (name text PRIMARY KEY, value integer NOT NULL DEFAULT 0)`);
  });
  afterAll(() => opened.close());

  const newPool = (max: number, connectionString = url()): Pool => {
    const pool = new Pool({
      connectionString,
      max,
      application_name: `stuck_${process.pid}_${(pools += 1)}`,
      idleTimeoutMillis: 0, // a session that ends was ended on purpose
    });
    pool.on("error", () => {});
    onTestFinished(() => pool.end());
    return pool;
  };
  let pools = 0;
  const count = (tx: TestTx, name: string): Promise<unknown> =>
    tx.query(`UPDATE ${table} SET value = value + 1 WHERE name = $1`, [name]);
  const valueOf = async (name: string): Promise<unknown> =>
    (await opened.sql(`SELECT value FROM ${table} WHERE name = $1`, [name]))[0]?.["value"];
  /** The sessions of a pool that the server knows. */
  const sessionsOf = (pool: Pool): Promise<readonly unknown[]> =>
    opened.sql("SELECT state, wait_event_type FROM pg_stat_activity WHERE application_name = $1", [
      pool.options.application_name,
    ]);
  /** A row that somebody else has changed and not committed. */
  const lockRow = async (name: string): Promise<PoolClient> => {
    await opened.sql(`INSERT INTO ${table} (name) VALUES ($1)`, [name]);
    const holder = await newPool(1).connect();
    onTestFinished(() => holder.release());
    await holder.query("BEGIN");
    await count(holder, name);
    return holder;
  };
  const stuckWork = (name: string, reason: Error) => async (tx: PoolClient) => {
    count(tx, name).catch(() => undefined);
    throw reason;
  };

  test("work that was given up ends its statement at the server, and the pool gets a place back, not that client", async () => {
    const holder = await lockRow("one");
    const pool = newPool(1);
    const { transaction } = pgTransactor(pool);
    const reason = new Error("out of time");
    await expect(transaction(stuckWork("one", reason))).rejects.toBe(reason);
    await until("the server has ended the session", async () => (await sessionsOf(pool)).length === 0);
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
    expect(await transaction(async (tx) => (await tx.query("SELECT 1 AS n")).rows)).toEqual([{ n: 1 }]);
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    await holder.query("COMMIT");
    expect(await valueOf("one")).toBe(1);
  });

  test("a statement that waits with a callback, or as one of many, is ended as well", async () => {
    const holder = await lockRow("callback");
    const pool = newPool(2);
    const { transaction } = pgTransactor(pool);
    const errors: unknown[] = [];
    const note = (error: unknown): void => void errors.push(error);
    const text = `UPDATE ${table} SET value = 100 WHERE name = 'callback'`;
    const callback = transaction(async (tx) => {
      tx.query(text, note);
      throw new Error("out of time");
    });
    const many = transaction(async (tx) => {
      for (let n = 0; n < 3; n += 1) tx.query(text).catch(note);
      throw new Error("out of time");
    });
    const outcomes = await Promise.allSettled([callback, many]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(errors).toHaveLength(4);
    await until("the server has ended the sessions", async () => (await sessionsOf(pool)).length === 0);
    await holder.query("COMMIT");
    expect(await valueOf("callback")).toBe(1);
  });

  test("a server that answers nothing holds the work no longer than two seconds, either", async () => {
    const line = await openLine(url());
    onTestFinished(() => line.close());
    const pool = newPool(1, line.url);
    const startedMs = performance.now();
    const outcome = pgTransactor(pool).transaction(async (tx) => {
      line.freeze();
      tx.query("SELECT 1").catch(() => undefined);
      throw new Error("out of time");
    });
    await expect(outcome).rejects.toThrow("out of time");
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect(pool.totalCount).toBe(0);
  });

  test("handlers that wait for a row in vain keep nobody from working, and work once when it is free", async () => {
    const holder = await lockRow("hot");
    await opened.sql(`INSERT INTO ${table} (name) VALUES ('cold')`);
    const pool = newPool(6);
    const store = postgres({ pool, schema: opened.schema });
    onTestFinished(() => store.close());
    const service = await serviceOn(store, "keeps its outbox");
    const consumer = defineConsumer("counters", {
      store,
      concurrency: 4,
      timeoutMs: 200,
      retry: fixed({ attempts: 100, delayMs: 500 }),
    }).on(Counted, async ({ data }, { tx }) => void (await count(tx, data.name)));
    const subscription = await service.consume(consumer);
    for (let n = 0; n < 4; n += 1) await service.publish(Counted({ name: "hot" }));
    await until(
      "all four wait for the row",
      async () => (await sessionsOf(pool)).filter((one) => isWaiting(one)).length === 4,
    );
    for (let n = 0; n < 8; n += 1) await service.publish(Counted({ name: "cold" }));
    await until("the others were worked on", async () => (await valueOf("cold")) === 8);
    expect(subscription.counts().handled).toBe(8);

    await holder.query("COMMIT");
    await until("those that waited were worked on", () => subscription.counts().handled === 12);
    expect([await valueOf("hot"), await valueOf("cold")]).toEqual([5, 8]);
    await until("each client is back", () => pool.idleCount === pool.totalCount);
    expect((await sessionsOf(pool)).length).toBeLessThanOrEqual(6);
    expect(subscription.counts()).toMatchObject({ handled: 12, "dead-lettered": 0 });
  });
});

describe("a process that stands still", () => {
  test("100. between two statements of the store's own keeps nobody from the lease: the server rolls back", async () => {
    const opened = await server.open("still");
    onTestFinished(() => opened.close());
    const pool = new Pool({ connectionString: url(), max: 1 });
    pool.on("error", () => {});
    // Its time stands still, too: nothing but the server can end what it has begun.
    const clock = fakeClock();
    onTestFinished(() => {
      clock.advance(60_000); // gives the client up
      return pool.end();
    });
    const still = postgres({
      pool: silentAtCommit(pool),
      schema: opened.schema,
      statementTimeoutMs: 500,
      clock,
    });
    onTestFinished(() => still.close());
    still.relay.acquire("still", 60_000).catch(() => undefined);
    const locked = `SELECT 1 FROM pg_locks WHERE relation = '"${opened.schema}".outbox_lease'::regclass AND mode = 'RowExclusiveLock'`;
    await until("it has written and not committed", async () => (await opened.sql(locked)).length === 1);
    const lease = await opened.store.relay.acquire("standby", 60_000);
    expect(lease?.owner).toBe("standby");
  });
});

/** The same pool, whose clients never send a COMMIT. */
function silentAtCommit(pool: Pool): Pool {
  pool.on("connect", (client) => {
    const query: (...given: unknown[]) => unknown = client.query.bind(client);
    Object.assign(client, {
      query: (...given: unknown[]) => (given[0] === "COMMIT" ? new Promise(() => {}) : query(...given)),
    });
  });
  return pool;
}

function isWaiting(session: unknown): boolean {
  return typeof session === "object" && session !== null && "wait_event_type" in session
    ? session.wait_event_type === "Lock"
    : false;
}
