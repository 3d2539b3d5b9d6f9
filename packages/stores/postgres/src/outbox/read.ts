import type { StoredEvent } from "@postrider/core";
import type { Connection, Row } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { eventOf, selectedColumns } from "./columns.ts";
import type { Mark } from "./mark.ts";

/**
 * Statistics that were taken of a nearly empty table make the planner read and sort the whole of it. The index in
 * order is right whatever the statistics say. The first look stands before these: a sequence can only be scanned, and
 * what is switched off counts as so dear that PostgreSQL would compile the statement, which takes 60 ms.
 */
const pinned = [
  "SET LOCAL enable_seqscan = off",
  "SET LOCAL enable_bitmapscan = off",
  "SET LOCAL enable_sort = off",
];

/**
 * Two looks in one message: first how far the numbers have gone and which transactions run, then the rows. In this
 * order the snapshot of the rows is the newer one, as the mark needs it.
 */
export function readStatements(tables: Tables): (after: bigint, limit: number) => readonly string[] {
  const look =
    `SELECT (CASE WHEN is_called THEN last_value ELSE 0 END)::text AS last, ` +
    `pg_snapshot_xmin(pg_current_snapshot())::text AS horizon FROM ${tables.sequence}`;
  const rows = `SELECT ${selectedColumns("e")} FROM ${tables.event} e WHERE e.seq > `;
  return (after, limit) => [look, ...pinned, `${rows}${after} ORDER BY e.seq LIMIT ${limit}`];
}

/** The oldest committed rows above the mark, in the order of their numbers. */
export async function read(
  connection: Connection,
  statements: (after: bigint, limit: number) => readonly string[],
  mark: Mark,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const answers = await connection.script(statements(mark.begin(), limit));
  const look = answers[0];
  const rows = answers.at(-1);
  const { last, horizon } = look?.[0] ?? {};
  const events = (rows ?? []).map((row: Row) => eventOf(row));
  const first = events[0];
  const complete = mark.seen({
    last: BigInt(String(last)),
    horizon: BigInt(String(horizon)),
    first: first === undefined ? undefined : BigInt(first.position),
  });
  return complete ? events : read(connection, statements, mark, limit);
}
