import type { Connection } from "../connection/connection.ts";
import { fenceAll } from "../lease/fence.ts";
import type { Tables } from "../schema/tables.ts";
import { positionList } from "./positions.ts";

/** Makes parked rows due, each as soon as no earlier one of its key holds it. */
export async function retryParked(
  connection: Connection,
  tables: Tables,
  positions: readonly string[],
): Promise<number> {
  if (positions.length === 0) return 0;
  return connection.transaction(async (run) => {
    await fenceAll(run, tables);
    const { affected } = await run(
      `UPDATE ${tables.parked} SET status = 'retry', attempts = 0, next_attempt_at = clock_timestamp()
       WHERE seq = ANY (($1::text)::bigint[])`,
      [positionList(positions)],
    );
    return affected;
  });
}
