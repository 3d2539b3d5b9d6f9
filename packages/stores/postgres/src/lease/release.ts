import type { RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** The row stays, so that the epoch goes on growing. */
export async function release(run: Run, tables: Tables, lease: RelayLease): Promise<void> {
  await run(
    `UPDATE ${tables.lease} SET owner = NULL, lease_until = clock_timestamp()
     WHERE relay = $1 AND owner = $2 AND epoch = $3::bigint`,
    [lease.relay, lease.owner, lease.epoch],
  );
}
