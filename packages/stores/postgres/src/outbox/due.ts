import type { ParkedEvent } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { parkedOf, selectedParked } from "./parked-row.ts";

/** Parked rows whose time has come and that wait behind no other of their key: at most one of each key. */
export async function due(
  run: Run,
  tables: Tables,
  nowMs: number,
  limit: number,
): Promise<readonly ParkedEvent[]> {
  const { rows } = await run(
    `SELECT ${selectedParked("p")} FROM ${tables.parked} p
     WHERE p.status = 'retry' AND p.next_attempt_at <= to_timestamp($1::double precision / 1000.0)
     AND NOT EXISTS (
       SELECT 1 FROM ${tables.parked} e
       WHERE e.aggregatetype = p.aggregatetype AND e.partitionkey = p.partitionkey AND e.seq < p.seq AND e.holds
     )
     ORDER BY p.seq LIMIT $2::integer`,
    [nowMs, limit],
  );
  return rows.map(parkedOf);
}
