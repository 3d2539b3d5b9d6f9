import { MessagingError, type RelayLease } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/**
 * Fails with STORE_LEASE_LOST unless the lease is still this one, and keeps it so until the transaction ends: a relay
 * that slept past its lease must not park rows that its successor is publishing.
 */
export async function fence(run: Run, tables: Tables, lease: RelayLease): Promise<void> {
  const { rows } = await run(
    `SELECT 1 AS ours FROM ${tables.lease} WHERE owner = $1 AND epoch = $2::bigint FOR NO KEY UPDATE`,
    [lease.owner, lease.epoch],
  );
  if (rows.length === 1) return;
  throw new MessagingError("STORE_LEASE_LOST", "The lease of this outbox was taken over. Acquire it anew.", {
    context: { epoch: lease.epoch },
  });
}

/** For people who change parked rows: waits until no relay is about to park, and lets none begin. */
export async function fenceAll(run: Run, tables: Tables): Promise<void> {
  await run(`SELECT 1 AS lease FROM ${tables.lease} FOR NO KEY UPDATE`);
}
