import type { HeldKey, ParkedSettlement, RelayLease } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import { fence } from "../lease/fence.ts";
import type { Tables } from "../schema/tables.ts";
import { intoArchive } from "./archive.ts";
import { sayingOf } from "./park.ts";
import { positionList } from "./positions.ts";
import { keysOf, releaseNext } from "./release-next.ts";

/**
 * Writes down what became of due rows, all in one statement, and lets the next of each key go where nothing stands in
 * front of it any more.
 */
export async function settleParked(
  connection: Connection,
  tables: Tables,
  lease: RelayLease,
  settlements: readonly ParkedSettlement[],
  archive: "kept" | "none" = "none",
): Promise<readonly HeldKey[]> {
  if (settlements.length === 0) return [];
  positionList(settlements.map(({ event }) => event.position)); // refuses what is none of ours
  return connection.transaction(async (run) => {
    await fence(run, tables, lease);
    await run("SET LOCAL enable_seqscan = off");
    await run(settleStatement(tables, archive), [JSON.stringify(settlements.map(recordOf))]);
    return releaseNext(run, tables, keysOf(settlements.map(({ event }) => event)));
  });
}

function settleStatement(tables: Tables, archive: "kept" | "none"): string {
  const { parked } = tables;
  const keeping = archive === "kept" ? `, ${intoArchive(tables, "published")}` : "";
  return (
    `WITH given AS (SELECT * FROM json_to_recordset($1::text::json) ` +
    `AS r (seq bigint, status text, attempts integer, wait_ms double precision, error text, holds boolean, published boolean)), ` +
    `gone AS (DELETE FROM ${parked} p USING given r WHERE p.seq = r.seq AND r.status IS NULL RETURNING p.*, r.published)${keeping} ` +
    `UPDATE ${parked} p SET status = r.status, attempts = r.attempts, last_error = r.error, ` +
    `next_attempt_at = clock_timestamp() + r.wait_ms * interval '1 millisecond', holds = p.holds AND r.holds ` +
    `FROM given r WHERE p.seq = r.seq AND r.status IS NOT NULL`
  );
}

/** Without a status where the row is to go. */
function recordOf({ event, result }: ParkedSettlement): Readonly<Record<string, unknown>> {
  const seq = event.position;
  if (result.kind === "published" || result.kind === "discarded")
    return { seq, published: result.kind === "published" };
  return {
    seq,
    status: result.kind,
    attempts: result.attempts,
    wait_ms: result.kind === "retry" ? result.waitMs : null,
    error: sayingOf(result.error),
    holds: result.kind === "retry" || result.onDead === "hold-key",
  };
}
