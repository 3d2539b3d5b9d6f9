import type { ParkedEvent, ParkedQuery } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { parkedOf, selectedParked } from "./parked-row.ts";

/** Parked rows for people who look, oldest first. */
export async function parked(run: Run, tables: Tables, query: ParkedQuery): Promise<readonly ParkedEvent[]> {
  const { rows } = await run(
    `SELECT ${selectedParked("p")} FROM ${tables.parked} p
     WHERE ($1::text IS NULL OR p.status = $1::text) AND ($2::text IS NULL OR p.partitionkey = $2::text)
     ORDER BY p.seq LIMIT $3::integer`,
    [query.status ?? null, query.key ?? null, query.limit ?? 100],
  );
  return rows.map(parkedOf);
}
