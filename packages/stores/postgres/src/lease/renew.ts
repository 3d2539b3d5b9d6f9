import type { RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** True when the lease was still ours, also when it had run out and nobody else had taken it. */
export async function renew(run: Run, tables: Tables, lease: RelayLease, leaseMs: number): Promise<boolean> {
  const { rows } = await run(
    `UPDATE ${tables.lease} SET lease_until = clock_timestamp() + $3::integer * interval '1 millisecond'
     WHERE owner = $1 AND epoch = $2::bigint RETURNING 1 AS renewed`,
    [lease.owner, lease.epoch, leaseMs],
  );
  return rows.length === 1;
}
