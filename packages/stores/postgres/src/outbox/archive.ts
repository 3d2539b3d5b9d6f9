import type { ArchivedEvent, ArchivedQuery } from "@postrider/core";
import type { Connection, Row, Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { eventColumns, eventOf, millisecondsOf, selectedColumns } from "./columns.ts";
import { positionList } from "./positions.ts";

/**
 * Copies what the part `gone` of a statement deletes, in the same statement: a row is in one of the two places, never
 * in both or none.
 */
export function intoArchive({ archive }: Tables, where = "true"): string {
  const names = eventColumns.join(", ");
  return `kept AS (INSERT INTO ${archive} (${names}, stored_at) SELECT ${names}, stored_at FROM gone WHERE ${where} ORDER BY seq)`;
}

/** Published events for people who look, oldest first. */
export async function archived(
  run: Run,
  { archive }: Tables,
  { after, limit = 100 }: ArchivedQuery,
): Promise<readonly ArchivedEvent[]> {
  if (after !== undefined) positionList([after]); // refuses what is none of ours
  const { rows } = await run(
    `SELECT ${selectedColumns("a")}, ${millisecondsOf("a.published_at")} AS published_at_ms FROM ${archive} a
     WHERE a.seq > ($1::text)::bigint ORDER BY a.seq LIMIT $2::integer`,
    [after ?? "0", limit],
  );
  return rows.map((row: Row) => ({ ...eventOf(row), publishedAtMs: Number(row["published_at_ms"]) }));
}

/** Deletes old ones, so many at most; those that another prune is deleting are passed over. */
export async function pruneArchive(
  connection: Connection,
  { archive }: Tables,
  retentionMs: number,
  maxRows: number,
): Promise<number> {
  if (retentionMs === Number.POSITIVE_INFINITY) return 0;
  return connection.transaction(async (run) => {
    const { affected } = await run(
      `DELETE FROM ${archive} WHERE seq IN (SELECT seq FROM ${archive}
       WHERE published_at < clock_timestamp() - $1::double precision * interval '1 millisecond'
       ORDER BY published_at LIMIT $2::integer FOR UPDATE SKIP LOCKED)`,
      [retentionMs, maxRows],
    );
    return affected;
  });
}
