import { createHash } from "node:crypto";
import { outboxAndInbox } from "./001-outbox-and-inbox.ts";
import { domainJournal } from "./002-domain-journal.ts";
import type { Migration } from "./migration.ts";
import type { Tables } from "./tables.ts";

/** All steps, in order. */
export const migrations: readonly Migration[] = [outboxAndInbox, domainJournal];

/** Of the text as it is written here, so that it is the same whatever the tables are called. */
export function checksumOf(migration: Migration): string {
  return createHash("sha256").update(migration.sql).digest("hex");
}

export function sqlOf(migration: Migration, tables: Tables): string {
  return migration.sql
    .replaceAll(/\{\{index (\w+)\}\}/g, (_, name: string) => `"${tables.prefix}${name}"`)
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => `"${tables.schema}"."${tables.prefix}${name}"`)
    .trim();
}

/** The table that remembers the steps; made before the first one, and safe to repeat. */
export function journalSql(tables: Tables): string {
  return `CREATE TABLE IF NOT EXISTS ${tables.migration} (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)`;
}

/** Two processes that start together take turns; a lock of the transaction, so that poolers keep it on one session. */
export function lockSql(tables: Tables): string {
  return `SELECT pg_advisory_xact_lock(hashtextextended('postrider/migrate/${tables.schema}/${tables.prefix}', 0))`;
}
