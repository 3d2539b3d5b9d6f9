import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** Stands beside the lease, whoever has it, and also where nobody ever had it. */
export async function pause(run: Run, tables: Tables): Promise<void> {
  await run(
    `INSERT INTO ${tables.lease} AS lease (epoch, lease_until, paused_at) VALUES (0, clock_timestamp(), clock_timestamp())
     ON CONFLICT (only_row) DO UPDATE SET paused_at = coalesce(lease.paused_at, excluded.paused_at)`,
  );
}

export async function resume(run: Run, tables: Tables): Promise<void> {
  await run(`UPDATE ${tables.lease} SET paused_at = NULL`);
}

/** True in a statement while the outbox is paused. */
export function isPaused({ lease }: Tables): string {
  return `EXISTS (SELECT 1 FROM ${lease} WHERE paused_at IS NOT NULL)`;
}
