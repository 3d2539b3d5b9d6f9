import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "@postrider/core";
import { createPoolConnection } from "../src/connection/pool.ts";
import { confirm, confirmStatements } from "../src/outbox/confirm.ts";
import { createMark } from "../src/outbox/mark.ts";
import { read, readStatements } from "../src/outbox/read.ts";
import { tablesOf } from "../src/schema/tables.ts";
import type { Opened } from "./support/databases.ts";
import { pagesTouched } from "./support/pages.ts";
import { servers } from "./support/servers.ts";

const page = 500;

/** What somebody may hold open while the relay works through 300,000 rows, so that vacuum can remove none of them. */
const holds = [
  { name: "an old snapshot", hold: "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", most: 3 },
  // The writers are asked for four times a second at most: what was deleted since is passed over.
  { name: "a write transaction", hold: "BEGIN; SELECT pg_current_xact_id()", most: 30 },
] as const;

/* What a read costs is counted in pages that it touches, since times mean nothing on a busy machine. */
describe.each(servers)("what a read of the outbox costs on $name", (server) => {
  let opened: Opened;
  let pool: Pool;
  beforeAll(async () => {
    opened = await server.open("dead_rows");
    pool = new Pool({ connectionString: server.url(), max: 4 });
  });
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  test.each(holds)(
    "104. behind 300,000 dead rows that $name keeps, it is within $most times that of a new table",
    async ({ name, hold, most }) => {
      const { drain, touched } = await reader();
      await insert(page);
      const fresh = await touched();
      const old = await pool.connect();
      try {
        await old.query(hold);
        await insert(300_000);
        const startMs = performance.now();
        const drained = await drain();
        const rate = Math.round(drained / ((performance.now() - startMs) / 1_000));
        await insert(page);
        const fromMark = await touched();
        const fromLeft = await touched(0n);
        report(name, { rate, fresh, fromMark, fromLeft });
        expect(drained).toBe(300_000 + page);
        expect(fromMark).toBeLessThanOrEqual(most * fresh);
        expect(fromLeft).toBeGreaterThan(100 * fresh);
      } finally {
        old.release(true);
      }
    },
  );

  test("104. with 5,000,000 rows of backlog, it is within 1.3 times that with 100,000", async () => {
    const { touched } = await reader();
    await opened.sql(`ALTER TABLE "${opened.schema}".outbox_event SET UNLOGGED`);
    await insert(100_000);
    const small = await touched();
    await insert(4_900_000);
    const large = await touched();
    report("backlog", { small, large });
    expect(large).toBeLessThanOrEqual(1.3 * small);
  });

  /** On an empty table whose statistics say so: the planner is told that there is nothing to look for. */
  async function reader() {
    const tables = tablesOf(opened.schema, "");
    await opened.sql(`TRUNCATE ${tables.event}`);
    await opened.sql(`ANALYZE ${tables.event}`);
    const connection = createPoolConnection(pool, { statementTimeoutMs: 60_000, clock: systemClock });
    const [reading, confirming] = [readStatements(tables), confirmStatements(tables)];
    const mark = createMark(systemClock, 86_400_000);
    const bounds = { maxRows: page, maxBytes: Number.MAX_SAFE_INTEGER };
    return {
      drain: async () => {
        for (let drained = 0; ;) {
          const events = await read(connection, reading, mark, bounds);
          if (events.length === 0) return drained;
          drained += events.length;
          await confirm(connection, confirming, mark, events);
        }
      },
      touched: (after = mark.begin().after) => pagesTouched(connection, reading, after, page),
    };
  }

  function report(what: string, figures: Readonly<Record<string, number>>): void {
    process.stdout.write(`${server.name}, ${what}: ${JSON.stringify(figures)}\n`);
  }

  async function insert(count: number): Promise<void> {
    await opened.sql(
      `INSERT INTO "${opened.schema}".outbox_event (shard, id, aggregatetype, aggregateid, type, source, payload)
       SELECT n % 16, 'id-' || n, 'com.acme.orders', 'k' || n % 1000, 'com.acme.orders.order-placed.v1', '/s',
         decode(repeat('61', 200), 'hex') FROM generate_series(1, $1::integer) AS n`,
      [count],
    );
  }
});
