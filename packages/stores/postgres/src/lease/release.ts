import type { RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** The row stays, so that the epoch goes on growing. */
export async function release(run: Run, tables: Tables, lease: RelayLease): Promise<void> {
  await run(
    `UPDATE ${tables.lease} SET owner = NULL, lease_until = clock_timestamp()
     WHERE owner = $1 AND epoch = $2::bigint`,
    [lease.owner, lease.epoch],
  );
}
