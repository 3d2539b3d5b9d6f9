import { MessagingError } from "@postrider/core";
import type { Connection, Run } from "../connection/connection.ts";
import type { Migration } from "./migration.ts";
import { checksumOf, journalSql, lockSql, migrations, sqlOf } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/** How long all steps together may take, the wait for another process that is at it included. */
const migrateTimeoutMs = 120_000;

/**
 * Brings the schema to this version in one transaction: all missing steps or none. Returns the names of the steps
 * that were applied now; none when there was nothing to do. Safe to run from many processes at once.
 */
export async function migrate(connection: Connection, tables: Tables): Promise<readonly string[]> {
  return connection.transaction(async (run) => {
    await run(lockSql(tables));
    await createSchema(run, tables);
    await run(journalSql(tables));
    const applied = await appliedSteps(run, tables);
    const missing = migrations.filter((migration) => !isApplied(migration, applied));
    for (const migration of missing) await apply(run, tables, migration);
    return missing.map((migration) => migration.name);
  }, migrateTimeoutMs);
}

/** Asked first: CREATE SCHEMA IF NOT EXISTS needs the right to create one even where it exists. */
async function createSchema(run: Run, tables: Tables): Promise<void> {
  const found = await run("SELECT 1 FROM pg_namespace WHERE nspname = $1", [tables.schema]);
  if (found.rows.length === 0) await run(`CREATE SCHEMA IF NOT EXISTS "${tables.schema}"`);
}

async function apply(run: Run, tables: Tables, migration: Migration): Promise<void> {
  for (const statement of sqlOf(migration, tables).split(/;\n+/)) {
    if (statement.trim() !== "") await run(statement.replace(/;$/, ""));
  }
  await run(`INSERT INTO ${tables.migration} (name, checksum) VALUES ($1, $2)`, [
    migration.name,
    checksumOf(migration),
  ]);
}

export async function appliedSteps(run: Run, tables: Tables): Promise<ReadonlyMap<string, string>> {
  const { rows } = await run(`SELECT name, checksum FROM ${tables.migration}`);
  return new Map(rows.map((row) => [String(row["name"]), String(row["checksum"])]));
}

/** A step that is in the database with other contents than ours was not made by a release: nothing fits then. */
export function isApplied(migration: Migration, applied: ReadonlyMap<string, string>): boolean {
  const checksum = applied.get(migration.name);
  if (checksum === undefined) return false;
  if (checksum === checksumOf(migration)) return true;
  throw new MessagingError(
    "STORE_SCHEMA_MISSING",
    `Migration ${migration.name} was applied with other contents than this version has. Restore the schema from the released migration.`,
    { context: { migration: migration.name, applied: checksum, expected: checksumOf(migration) } },
  );
}
