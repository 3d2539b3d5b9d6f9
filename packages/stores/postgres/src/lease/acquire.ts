import type { RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/**
 * The lease, if it is free, has run out, or is this owner's own: then under a new epoch too, so that the former lease is
 * void. All times are the database's.
 */
export async function acquire(
  run: Run,
  tables: Tables,
  owner: string,
  leaseMs: number,
): Promise<RelayLease | undefined> {
  const { rows } = await run(
    `INSERT INTO ${tables.lease} AS lease (owner, epoch, lease_until)
     VALUES ($1, 1, clock_timestamp() + $2::integer * interval '1 millisecond')
     ON CONFLICT (only_row) DO UPDATE
     SET owner = excluded.owner, epoch = lease.epoch + 1, lease_until = excluded.lease_until
     WHERE lease.owner IS NULL OR lease.owner = excluded.owner OR lease.lease_until <= clock_timestamp()
     RETURNING lease.epoch::text AS epoch`,
    [owner, leaseMs],
  );
  const epoch = rows[0]?.["epoch"];
  return epoch === undefined ? undefined : { owner, epoch: Number(epoch) };
}
