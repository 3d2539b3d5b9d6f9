import { systemClock } from "@postrider/core";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPoolConnection } from "../src/connection/pool.ts";
import { due } from "../src/outbox/due.ts";
import { createMark } from "../src/outbox/mark.ts";
import { read, readStatements } from "../src/outbox/read.ts";
import { tablesOf } from "../src/schema/tables.ts";
import { type Opened, server, url } from "./support/databases.ts";
import { rows } from "./support/relay.ts";

/*
 * What a plan must not do counts as 1e10 and is done all the same where there is no other way. PostgreSQL compiles what
 * counts as dear: 100 to 300 ms, for a look at an empty table.
 */
describe("what the relay asks of an idle outbox", () => {
  let opened: Opened;
  let pool: Pool;
  beforeAll(async () => {
    opened = await server.open("compiled");
    pool = new Pool({ connectionString: url(), max: 1 });
    // For the session that the pool has: each plan is told as a notice.
    await pool.query(
      "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; " +
        "SET auto_explain.log_level = notice; SET client_min_messages = notice",
    );
  });
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  const plansOf = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
    const plans: string[] = [];
    const client = await pool.connect();
    const note = ({ message = "" }: { readonly message?: string | undefined }): void =>
      void plans.push(message);
    client.on("notice", note);
    client.release();
    await work();
    client.off("notice", note);
    return plans.filter((plan) => plan.includes("Plan") || plan.includes("Query Text"));
  };

  test("is never compiled, neither the look for new rows nor the one for parked ones", async () => {
    const connection = createPoolConnection(pool, { statementTimeoutMs: 5_000, clock: systemClock });
    const tables = tablesOf(opened.schema, "");
    const mark = createMark(systemClock, 0);
    const plans = await plansOf(async () => {
      await read(connection, readStatements(tables), mark, rows(100));
      await due(connection, tables, rows(100));
    });
    expect(plans.length).toBeGreaterThan(2);
    expect(plans.filter((plan) => plan.includes("JIT:"))).toEqual([]);
  });
});
