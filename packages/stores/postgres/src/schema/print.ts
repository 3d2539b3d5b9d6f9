import { checksumOf, journalSql, lockSql, migrations, sqlOf } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/**
 * All steps as one SQL script, for tools that bring schemas up by themselves (Flyway, psql, a DBA). It makes the
 * journal too, so that `assertSchema` and `migrate` find every step applied. Run it once on an empty schema.
 */
export function printMigrations(tables: Tables): string {
  const steps = migrations.map(
    (migration) =>
      `-- ${migration.name}\n${sqlOf(migration, tables)}\n` +
      `INSERT INTO ${tables.migration} (name, checksum) VALUES ('${migration.name}', '${checksumOf(migration)}');`,
  );
  return [
    "BEGIN;",
    `${lockSql(tables)};`,
    `CREATE SCHEMA IF NOT EXISTS "${tables.schema}";`,
    `${journalSql(tables)};`,
    ...steps,
    "COMMIT;",
    "",
  ].join("\n");
}
