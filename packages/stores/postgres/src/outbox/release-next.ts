import type { HeldKey } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/**
 * Makes the first held row of each of these keys due, where nothing holds it any more. Due since ever, so that it
 * does not matter by whose clock the relay asks.
 */
export async function releaseNext(run: Run, tables: Tables, keys: readonly HeldKey[]): Promise<void> {
  if (keys.length === 0) return;
  await run(
    `UPDATE ${tables.parked} p SET status = 'retry', next_attempt_at = to_timestamp(0), attempts = 0
     FROM (
       SELECT (
         SELECT min(h.seq) FROM ${tables.parked} h
         WHERE h.aggregatetype = k.channel AND h.partitionkey = k.key AND h.holds
       ) AS seq
       FROM json_to_recordset($1::text::json) AS k (channel text, key text)
     ) first
     WHERE p.seq = first.seq AND p.status = 'held'`,
    [JSON.stringify(keys)],
  );
}
