import type { ParkedEvent, ParkedQuery } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { positionList } from "./positions.ts";
import { parkedOf, selectedParked } from "./parked-row.ts";

/** A key is found by the index of its hash. */
const columnOf = {
  status: "p.status = $::text",
  channel: "p.aggregatetype = $::text",
  key: "p.partitionkey = $::text",
  type: "p.type = $::text",
  position: "p.seq = ($::text)::bigint",
  after: "p.seq > ($::text)::bigint",
} as const;

/** Parked rows for people who look, oldest first. */
export async function parked(run: Run, tables: Tables, query: ParkedQuery): Promise<readonly ParkedEvent[]> {
  const positions = [query.position, query.after].filter((one) => one !== undefined);
  positionList(positions); // refuses what is none of ours
  const given = Object.entries(columnOf).flatMap(([name, column]) => {
    const value = query[name as keyof typeof columnOf];
    return value === undefined ? [] : [[column, value] as const];
  });
  const conditions = ["true", ...given.map(([column], n) => column.replace("$", `$${n + 2}`))];
  const { rows } = await run(
    `SELECT ${selectedParked("p")} FROM ${tables.parked} p
     WHERE ${conditions.join(" AND ")} ORDER BY p.seq LIMIT $1::integer`,
    [query.limit ?? 100, ...given.map(([, value]) => value)],
  );
  return rows.map(parkedOf);
}
