import type { Connection } from "../connection/connection.ts";
import { fenceAll } from "../lease/fence.ts";
import type { Tables } from "../schema/tables.ts";
import { optional, text } from "./columns.ts";
import { positionList } from "./positions.ts";
import { releaseNext } from "./release-next.ts";

/** Drops parked rows for good; what waited behind them becomes due. */
export async function discardParked(
  connection: Connection,
  tables: Tables,
  positions: readonly string[],
): Promise<number> {
  if (positions.length === 0) return 0;
  return connection.transaction(async (run) => {
    await fenceAll(run, tables);
    const { rows } = await run(
      `DELETE FROM ${tables.parked} WHERE seq = ANY (($1::text)::bigint[]) RETURNING aggregatetype, partitionkey`,
      [positionList(positions)],
    );
    const keys = rows.flatMap((row) => {
      const key = optional(row, "partitionkey");
      return key === undefined ? [] : [{ channel: text(row, "aggregatetype"), key }];
    });
    await releaseNext(run, tables, keys);
    return rows.length;
  });
}
