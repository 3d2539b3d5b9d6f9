import { MessagingError } from "@postrider/core";
import type { Connection, Run } from "../connection/connection.ts";
import { appliedSteps, isApplied } from "./migrate.ts";
import { migrations } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/** `xid8` came with 13; 13 is out of support. */
const oldestServer = 14;

/**
 * Resolves when the schema is the one this version works with and the two facts hold on which the relay's order
 * rests: numbers are not cached by sessions, and a transaction gets its id before it draws a number.
 *
 * @throws STORE_SCHEMA_MISSING with the step to take; STORE_UNAVAILABLE, STORE_ACCESS_REFUSED.
 */
export async function assertSchema(connection: Connection, tables: Tables): Promise<void> {
  const problem = await connection.transaction((run) => firstProblem(run, tables));
  if (problem !== undefined)
    throw new MessagingError("STORE_SCHEMA_MISSING", problem, { context: { schema: tables.schema } });
}

async function firstProblem(run: Run, tables: Tables): Promise<string | undefined> {
  const checks = [tooOld, missingSteps, missingTables, cachedSequence, wrongColumnOrder];
  for (const check of checks) {
    const problem = await check(run, tables);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function tooOld(run: Run): Promise<string | undefined> {
  const { rows } = await run("SELECT current_setting('server_version_num')::integer / 10000 AS major");
  const major = Number(rows[0]?.["major"]);
  return major >= oldestServer ? undefined : `PostgreSQL ${major} is too old: use ${oldestServer} or later.`;
}

async function missingSteps(run: Run, tables: Tables): Promise<string | undefined> {
  const journal = await run("SELECT to_regclass($1) IS NOT NULL AS there", [tables.migration]);
  const applied =
    journal.rows[0]?.["there"] === true ? await appliedSteps(run, tables) : new Map<string, string>();
  const missing = migrations
    .filter((migration) => !isApplied(migration, applied))
    .map((migration) => migration.name);
  if (missing.length === 0) return undefined;
  return `Schema "${tables.schema}" lacks ${missing.join(", ")}. Run store.migrate(), or apply what store.printMigrations() gives.`;
}

async function missingTables(run: Run, tables: Tables): Promise<string | undefined> {
  for (const table of [
    tables.event,
    tables.sequence,
    tables.parked,
    tables.archive,
    tables.lease,
    tables.inbox,
    tables.journal,
  ]) {
    const { rows } = await run("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
    if (rows[0]?.["there"] !== true) {
      return `${table} is missing although its migration is on record. Restore it from what store.printMigrations() gives.`;
    }
  }
  return undefined;
}

async function cachedSequence(run: Run, tables: Tables): Promise<string | undefined> {
  const { rows } = await run(
    "SELECT seqcache::integer AS cache, seqincrement::integer AS step, seqcycle AS cycle FROM pg_sequence WHERE seqrelid = $1::regclass",
    [tables.sequence],
  );
  const { cache, step, cycle } = rows[0] ?? {};
  if (cache === 1 && step === 1 && cycle === false) return undefined;
  return `${tables.sequence} must count by 1 without a cache, or events are skipped. Run ALTER SEQUENCE ${tables.sequence} CACHE 1 INCREMENT BY 1 NO CYCLE.`;
}

async function wrongColumnOrder(run: Run, tables: Tables): Promise<string | undefined> {
  const { rows } = await run(
    `SELECT a.attname AS name, a.attnum::integer AS place, pg_get_expr(d.adbin, d.adrelid) AS otherwise
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::regclass AND a.attname IN ('tx_id', 'seq') ORDER BY a.attnum`,
    [tables.event],
  );
  const [first, second] = rows;
  const inOrder = first?.["name"] === "tx_id" && second?.["name"] === "seq";
  if (inOrder && first["otherwise"] === "pg_current_xact_id()") return undefined;
  return `${tables.event} must have tx_id with its default before seq, or events are skipped. Make the table anew from what store.printMigrations() gives.`;
}
