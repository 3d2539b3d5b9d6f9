import type { RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** The lease, if it is free, has run out, or is this owner's own. All times are the database's. */
export async function acquire(
  run: Run,
  tables: Tables,
  relay: string,
  owner: string,
  leaseMs: number,
): Promise<RelayLease | undefined> {
  const { rows } = await run(
    `INSERT INTO ${tables.lease} AS lease (relay, owner, epoch, lease_until)
     VALUES ($1, $2, 1, clock_timestamp() + $3::integer * interval '1 millisecond')
     ON CONFLICT (relay) DO UPDATE
     SET owner = excluded.owner, epoch = lease.epoch + 1, lease_until = excluded.lease_until
     WHERE lease.owner IS NULL OR lease.owner = excluded.owner OR lease.lease_until <= clock_timestamp()
     RETURNING lease.epoch::text AS epoch`,
    [relay, owner, leaseMs],
  );
  const epoch = rows[0]?.["epoch"];
  return epoch === undefined ? undefined : { relay, owner, epoch: Number(epoch) };
}
