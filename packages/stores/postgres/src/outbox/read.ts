import type { PageBounds, StoredEvent } from "@postrider/core";
import type { Connection, Row } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { eventColumns, eventOf, selectedColumns } from "./columns.ts";
import type { Mark } from "./mark.ts";
import { isPaused } from "./pause.ts";
import { sizeOf, whole } from "./page.ts";
import { writersOf, writersStatement } from "./writers.ts";

/**
 * Statistics that were taken of a nearly empty table make the planner read and sort the whole of it. The index in
 * order is right whatever the statistics say.
 */
const pinned = [
  "SET LOCAL enable_seqscan = off",
  "SET LOCAL enable_bitmapscan = off",
  "SET LOCAL enable_sort = off",
];

/** Locks are looked up as they are now, so the rows must be too: no snapshot may be older than the look at the locks. */
const fresh = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

/** One look for each statement, but for those that only set something. */
export interface ReadStatements {
  readonly usual: (after: bigint, bounds: PageBounds) => readonly string[];
  /** With a look at the writers between the two. */
  readonly withWriters: (after: bigint, bounds: PageBounds) => readonly string[];
}

/**
 * Two looks in one message: first how far the numbers have gone and which transactions run, then the rows. In this
 * order the snapshot of the rows is the newer one, as the mark needs it. Sizes are added up over what stands in the
 * rows themselves: data that is stored apart is only fetched for the rows that are given.
 */
export function readStatements(tables: Tables): ReadStatements {
  const look =
    `SELECT (CASE WHEN is_called THEN last_value ELSE 0 END)::text AS last, ` +
    `pg_snapshot_xmin(pg_current_snapshot())::text AS horizon, ${isPaused(tables)} AS paused FROM ${tables.sequence}`;
  const first = `SELECT seq, stored_at, ${eventColumns.join(", ")} FROM ${tables.event} WHERE seq > `;
  const rows = (after: bigint, { maxRows, maxBytes }: PageBounds): string =>
    `SELECT ${selectedColumns("e")} FROM (` +
    `SELECT f.*, sum(${sizeOf("f")}) OVER (ORDER BY f.seq) AS bytes, row_number() OVER (ORDER BY f.seq) AS place ` +
    `FROM (${first}${after} ORDER BY seq LIMIT ${whole(maxRows)}) f) e ` +
    `WHERE e.bytes <= ${whole(maxBytes)} OR e.place = 1 ORDER BY e.seq`;
  return {
    usual: (after, bounds) => [look, ...pinned, rows(after, bounds)],
    withWriters: (after, bounds) => [fresh, look, writersStatement(tables), ...pinned, rows(after, bounds)],
  };
}

/** The oldest committed rows above the mark, in the order of their numbers. */
export async function read(
  connection: Connection,
  statements: ReadStatements,
  mark: Mark,
  bounds: PageBounds,
): Promise<readonly StoredEvent[]> {
  const begun = mark.begin();
  const ask = begun.writers === "asked" ? statements.withWriters : statements.usual;
  const answers = await connection.script(ask(begun.after, bounds));
  const events = (answers.at(-1) ?? []).map((row: Row) => eventOf(row));
  const [first] = events;
  const [look, writers] = begun.writers === "asked" ? answers.slice(1) : answers;
  const { last, horizon, paused } = look?.[0] ?? {};
  // The mark must not learn of rows that nobody was given.
  if (paused === true) return [];
  const complete = mark.seen({
    last: BigInt(String(last)),
    horizon: BigInt(String(horizon)),
    first: first === undefined ? undefined : BigInt(first.position),
    writers: begun.writers === "asked" ? writersOf(writers ?? []) : undefined,
  });
  return complete ? events : read(connection, statements, mark, bounds);
}
