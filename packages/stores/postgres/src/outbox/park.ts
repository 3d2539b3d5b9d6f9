import type { ParkRequest, RelayLease } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import { fence } from "../lease/fence.ts";
import type { Tables } from "../schema/tables.ts";
import { eventColumns } from "./columns.ts";
import type { Mark } from "./mark.ts";
import { positionList } from "./positions.ts";
import { keysOf, releaseNext } from "./release-next.ts";

/**
 * Moves rows from the outbox to the parked ones in one transaction. A row that is no longer in the outbox is left
 * alone: it was confirmed or parked meanwhile. A parked row holds the later ones of its key, but for a dead one to skip;
 * one that would be held behind nothing, since a person took away what stood in front, is due.
 */
export async function park(
  connection: Connection,
  tables: Tables,
  mark: Mark | undefined,
  lease: RelayLease,
  requests: readonly ParkRequest[],
): Promise<void> {
  if (requests.length === 0) return;
  const last = mark?.look();
  const positions = positionList(requests.map((request) => request.event.position));
  const id = await connection.transaction(async (run) => {
    await fence(run, tables, lease);
    await run("SET LOCAL enable_seqscan = off");
    await run(moveStatement(tables), [positions, JSON.stringify(requests.map(recordOf))]);
    const held = requests.filter(({ status }) => status === "held");
    await releaseNext(run, tables, keysOf(held.map(({ event }) => event)));
    const { rows } = await run("SELECT pg_current_xact_id()::text AS id");
    return BigInt(String(rows[0]?.["id"]));
  });
  mark?.drew(last, id);
}

function moveStatement(tables: Tables): string {
  const names = eventColumns.join(", ");
  const moved = eventColumns.map((name) => `gone.${name}`).join(", ");
  return (
    `WITH gone AS (DELETE FROM ${tables.event} WHERE seq = ANY (($1::text)::bigint[]) RETURNING *) ` +
    `INSERT INTO ${tables.parked} (${names}, stored_at, status, holds, attempts, next_attempt_at, last_error) ` +
    `SELECT ${moved}, gone.stored_at, r.status, gone.partitionkey IS NOT NULL AND r.holds, r.attempts, ` +
    `clock_timestamp() + r.wait_ms * interval '1 millisecond', r.error ` +
    `FROM gone JOIN json_to_recordset($2::text::json) ` +
    `AS r (seq bigint, status text, holds boolean, attempts integer, wait_ms double precision, error text) ON r.seq = gone.seq ` +
    `ORDER BY gone.seq`
  );
}

function recordOf(request: ParkRequest): Readonly<Record<string, unknown>> {
  return {
    seq: request.event.position,
    status: request.status,
    holds: request.status !== "dead" || request.onDead !== "skip",
    attempts: request.attempts,
    wait_ms: request.waitMs ?? null,
    error: request.error === undefined ? null : sayingOf(request.error),
  };
}

/** What PostgreSQL takes in no text, and half characters, which it takes in no JSON. */
const untold = /\0|\p{Cs}/gu;

/** How a failure stands in a parked row, cut to a bound. */
export function sayingOf(error: { readonly code: string; readonly message: string }): string {
  return `${error.code}: ${error.message}`.slice(0, 2_000).replaceAll(untold, "\uFFFD");
}
