import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "@postrider/core";
import { createPoolConnection } from "../src/connection/pool.ts";
import { confirm, confirmStatements } from "../src/outbox/confirm.ts";
import { createMark } from "../src/outbox/mark.ts";
import { read, readStatements } from "../src/outbox/read.ts";
import { tablesOf } from "../src/schema/tables.ts";
import { type Opened, server, url } from "./support/databases.ts";

const rows = 300_000;
const page = 500;

/*
 * Somebody holds an old snapshot, so vacuum can remove nothing, and a relay has worked through 300,000 rows. Counted
 * in pages that a read touches, since times mean nothing on a busy machine.
 */
describe("an outbox full of dead rows", () => {
  let opened: Opened;
  let pool: Pool;
  beforeAll(async () => {
    opened = await server.open("dead_rows");
    pool = new Pool({ connectionString: url(), max: 4 });
  });
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  test("104. a read begins behind them: it touches as few pages as on a new table", async () => {
    const tables = tablesOf(opened.schema, "");
    const connection = createPoolConnection(pool, { statementTimeoutMs: 60_000, clock: systemClock });
    const [reading, confirming] = [readStatements(tables), confirmStatements(tables)];
    const mark = createMark(systemClock, 86_400_000);
    const bounds = { maxRows: page, maxBytes: Number.MAX_SAFE_INTEGER };
    const buffers = async (after: bigint): Promise<number> => {
      const statements = reading.usual(after, bounds);
      const select = statements.at(-1) ?? "";
      const answers = await connection.script([
        ...statements.slice(0, -1),
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${select}`,
      ]);
      return touched(answers.at(-1)?.[0]?.["QUERY PLAN"]);
    };

    // The statistics are of the empty table: the planner is told that there is nothing to look for.
    await opened.sql(`ANALYZE ${tables.event}`);
    await insert(page);
    const fresh = await buffers(mark.begin().after);
    const old = await pool.connect();
    try {
      await old.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
      await insert(rows);
      const startMs = performance.now();
      let drained = 0;
      for (;;) {
        const events = await read(connection, reading, mark, bounds);
        if (events.length === 0) break;
        drained += events.length;
        await confirm(connection, confirming, mark, events);
      }
      const rate = Math.round(drained / ((performance.now() - startMs) / 1_000));
      await insert(page);
      const fromMark = await buffers(mark.begin().after);
      const fromLeft = await buffers(0n);
      process.stdout.write(
        `drained ${rate} rows/s; pages touched: new ${fresh}, from the mark ${fromMark}, from the left ${fromLeft}\n`,
      );
      expect(drained).toBe(rows + page);
      expect(fromMark).toBeLessThan(3 * fresh);
      expect(fromLeft).toBeGreaterThan(10 * fromMark);
    } finally {
      old.release(true);
    }
  });

  async function insert(count: number): Promise<void> {
    await opened.sql(
      `INSERT INTO "${opened.schema}".outbox_event (shard, id, aggregatetype, aggregateid, type, source, payload)
       SELECT n % 16, 'id-' || n, 'com.acme.orders', 'k' || n % 1000, 'com.acme.orders.order-placed.v1', '/s',
         decode(repeat('61', 500), 'hex') FROM generate_series(1, $1::integer) AS n`,
      [count],
    );
  }
});

function touched(answer: unknown): number {
  const plans = (typeof answer === "string" ? JSON.parse(answer) : answer) as readonly {
    readonly Plan: Readonly<Record<string, number>>;
  }[];
  const plan = plans[0]?.Plan ?? {};
  return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
}
