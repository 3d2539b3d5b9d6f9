import { systemClock } from "@postrider/core";
import { fromPg } from "@postrider/core/sql";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createPoolConnection } from "../src/connection/pool.ts";
import { confirm, confirmStatements } from "../src/outbox/confirm.ts";
import { createMark } from "../src/outbox/mark.ts";
import { read, readStatements } from "../src/outbox/read.ts";
import { tablesOf } from "../src/schema/tables.ts";
import { type Opened, server, url } from "./support/databases.ts";
import { keyed } from "./support/events.ts";
import { pagesTouched } from "./support/pages.ts";
import { ids, rows } from "./support/relay.ts";

/*
 * Somebody has written and does not commit. PostgreSQL keeps one row of transaction ids for all databases of a cluster,
 * so whoever goes by the oldest running id waits for strangers.
 */
const count = 20_000;
const page = 500;

describe("a write transaction that stays open", () => {
  let opened: Opened;
  let pool: Pool;
  const other = `elsewhere_${process.pid}`;
  beforeAll(async () => {
    opened = await server.open("foreign");
    pool = new Pool({ connectionString: url(), max: 8 });
    await opened.sql(`CREATE DATABASE ${other}`);
    await opened.sql(`CREATE TABLE "${opened.schema}".unrelated (n integer)`);
  });
  beforeEach(() => opened.sql(`TRUNCATE "${opened.schema}".outbox_event`));
  afterAll(async () => {
    await pool.end();
    await opened.sql(`DROP DATABASE ${other}`);
    await opened.close();
  });

  const elsewhere = (): string => {
    const address = new URL(url());
    address.pathname = `/${other}`;
    return address.href;
  };
  const strangers: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
    "in another database": (client) => client.query("BEGIN; CREATE TABLE t (); SELECT pg_current_xact_id()"),
    "in another schema": (client) =>
      client.query(`BEGIN; INSERT INTO "${opened.schema}".unrelated VALUES (1)`),
    "in another schema, and idle since it read the outbox": (client) =>
      client.query(
        `BEGIN; INSERT INTO "${opened.schema}".unrelated VALUES (1); SELECT count(*) FROM "${opened.schema}".outbox_event`,
      ),
    "in another schema, and prepared": (client) =>
      client.query(
        `BEGIN; INSERT INTO "${opened.schema}".unrelated VALUES (1); PREPARE TRANSACTION '${other}'`,
      ),
  };

  test.each(Object.entries(strangers))(
    "97. %s delays no event, and reading stays as cheap as without it",
    async (where, begin) => {
      const stranger = new Client(where === "in another database" ? elsewhere() : url());
      await stranger.connect();
      onTestFinished(async () => {
        if (where.endsWith("prepared")) await stranger.query(`ROLLBACK PREPARED '${other}'`);
        await stranger.end();
      });
      const { drain, touched } = reader();
      await insert(page);
      const fresh = await touched();
      await begin(stranger);
      await insert(count);
      expect(await drain()).toBe(page + count);
      await insert(page);
      // Where dead rows could be cleared away, the new ones lie scattered in the gaps.
      expect(await touched()).toBeLessThan(5 * fresh);
      expect(await drain()).toBe(page);
    },
  );

  test("97. one that has added an event delays that one alone; it is delivered when it commits", async () => {
    const { drain, next } = reader();
    const slow = await pool.connect();
    onTestFinished(() => slow.release());
    await slow.query("BEGIN");
    await opened.store.outbox.append(fromPg(slow), [keyed("slow", "slow")]);
    await insert(count);
    expect(await drain()).toBe(count);
    await slow.query("COMMIT");
    expect(await next()).toEqual(["slow"]);
  });

  test("97. one that has added an event and is prepared delays that one alone", async () => {
    const { drain, next } = reader();
    const slow = await pool.connect();
    onTestFinished(() => slow.release());
    await slow.query("BEGIN");
    await opened.store.outbox.append(fromPg(slow), [keyed("slow", "slow")]);
    await insert(count);
    expect(await drain()).toBe(count);
    await slow.query(`PREPARE TRANSACTION '${other}'`);
    await insert(count);
    expect(await drain()).toBe(count);
    await slow.query(`COMMIT PREPARED '${other}'`);
    expect(await next()).toEqual(["slow"]);
  });

  /** What the relay does with its store, with the mark in sight. The clock moves so that locks are looked up each time. */
  function reader() {
    const tables = tablesOf(opened.schema, "");
    const connection = createPoolConnection(pool, { statementTimeoutMs: 30_000, clock: systemClock });
    const [reading, confirming] = [readStatements(tables), confirmStatements(tables)];
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => (nowMs += 1_000) };
    const mark = createMark(clock, Number.MAX_SAFE_INTEGER);
    const take = () => read(connection, reading, mark, rows(page));
    return {
      next: async () => ids(await take()),
      drain: async () => {
        for (let drained = 0; ;) {
          const events = await take();
          if (events.length === 0) return drained;
          drained += events.length;
          await confirm(connection, confirming, mark, events);
        }
      },
      touched: () => pagesTouched(connection, reading, mark.begin().after, page),
    };
  }

  async function insert(howMany: number): Promise<void> {
    await opened.sql(
      `INSERT INTO "${opened.schema}".outbox_event (shard, id, aggregatetype, aggregateid, type, source, payload)
       SELECT n % 16, 'id-' || n, 'com.acme.orders', 'k' || n % 1000, 'com.acme.orders.order-placed.v1', '/s',
         decode(repeat('61', 300), 'hex') FROM generate_series(1, $1::integer) AS n`,
      [howMany],
    );
  }
});
