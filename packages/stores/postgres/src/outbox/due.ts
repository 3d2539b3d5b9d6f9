import type { DueEvents, PageBounds } from "@postrider/core";
import type { Connection, Row } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { optional } from "./columns.ts";
import { isPaused } from "./pause.ts";
import { sizeOf, whole } from "./page.ts";
import { parkedOf, selectedParked } from "./parked-row.ts";
import { sameKey } from "./same-key.ts";

/** One key may take this part of a page, so that several get on side by side. */
const shareOfOneKey = 4;

/** The index in order is right whatever the statistics say: they are often of a table that was empty. */
const pinned = ["SET LOCAL enable_seqscan = off", "SET LOCAL enable_bitmapscan = off"];

/**
 * Rows whose time has come by the database's clock, each with what waits behind it. The usual answer, that there are
 * none, costs one look at the end of an index.
 */
export async function due(connection: Connection, tables: Tables, bounds: PageBounds): Promise<DueEvents> {
  const [look] = (
    await connection.script([...pinned, lookStatement(tables, `NOT ${isPaused(tables)}`)])
  ).slice(-1);
  const firstInMs = inMs(look?.[0]);
  if (firstInMs === undefined || firstInMs > 0) return { events: [], nextInMs: firstInMs };
  const statements = [
    ...pinned,
    dueStatement(tables, bounds),
    lookStatement(tables, "next_attempt_at > statement_timestamp()"),
  ];
  const [rows, next] = (await connection.script(statements)).slice(-2);
  return { events: (rows ?? []).map(parkedOf), nextInMs: inMs(next?.[0]) };
}

function lookStatement(tables: Tables, where: string): string {
  return (
    `SELECT ceil(extract(epoch FROM min(next_attempt_at) - statement_timestamp()) * 1000)::text AS in_ms ` +
    `FROM ${tables.parked} WHERE status = 'retry' AND ${where}`
  );
}

function inMs(row: Row | undefined): number | undefined {
  const text = row === undefined ? undefined : optional(row, "in_ms");
  return text === undefined ? undefined : Number(text);
}

/**
 * `head`: rows whose time has come and that wait behind no other of their key, those that wait longest first. `run`: of
 * each key the head and the rows right behind it that are held, up to the first that waits for something else; no more
 * than its share, so that hardly a row is looked at in vain.
 */
function dueStatement({ parked }: Tables, { maxRows, maxBytes }: PageBounds): string {
  const behind = Math.ceil(maxRows / shareOfOneKey) - 1;
  return (
    `WITH head AS (` +
    `SELECT p.seq, p.next_attempt_at, p.aggregatetype, p.partitionkey, p.holds FROM ${parked} p ` +
    `WHERE p.status = 'retry' AND p.next_attempt_at <= statement_timestamp() ` +
    `AND NOT EXISTS (SELECT 1 FROM ${parked} e WHERE ${sameKey("e", "p")} AND e.seq < p.seq AND e.holds) ` +
    `ORDER BY p.next_attempt_at, p.seq LIMIT ${whole(maxRows)}), ` +
    `run AS (` +
    `SELECT h.next_attempt_at AS since, h.seq AS head, h.seq FROM head h UNION ALL ` +
    `SELECT h.next_attempt_at, h.seq, w.seq FROM head h CROSS JOIN LATERAL (` +
    `SELECT f.seq, bool_and(f.status = 'held') OVER (ORDER BY f.seq) AS waits FROM (` +
    `SELECT b.seq, b.status FROM ${parked} b WHERE h.holds AND ${sameKey("b", "h")} AND b.seq > h.seq AND b.holds ` +
    `ORDER BY b.seq LIMIT least(${behind}, ${whole(maxRows)} / (SELECT count(*) FROM head))) f) w WHERE w.waits ` +
    `ORDER BY since, head, seq LIMIT ${whole(maxRows)}), ` +
    `sized AS (` +
    `SELECT p.*, run.since, run.head, sum(${sizeOf("p")}) OVER place AS bytes, row_number() OVER place AS place ` +
    `FROM run JOIN ${parked} p ON p.seq = run.seq WINDOW place AS (ORDER BY run.since, run.head, run.seq)) ` +
    `SELECT ${selectedParked("s")} FROM sized s WHERE s.bytes <= ${whole(maxBytes)} OR s.place = 1 ORDER BY s.place`
  );
}
