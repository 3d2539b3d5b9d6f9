import type { HeldKey } from "@postrider/core";
import type { Run } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { text } from "./columns.ts";
import { sameKey } from "./same-key.ts";

/** Makes the first held row of each of these keys due, where nothing holds it any more. Answers those that hold nothing. */
export async function releaseNext(
  run: Run,
  tables: Tables,
  keys: readonly HeldKey[],
): Promise<readonly HeldKey[]> {
  if (keys.length === 0) return [];
  const { rows } = await run(
    `WITH first AS MATERIALIZED (
       SELECT k.*, (
         SELECT min(h.seq) FROM ${tables.parked} h WHERE ${sameKey("h", "k")} AND h.holds
       ) AS seq
       FROM (
         SELECT DISTINCT channel AS aggregatetype, key AS partitionkey
         FROM json_to_recordset($1::text::json) AS given (channel text, key text)
       ) k
     ),
     released AS (
       UPDATE ${tables.parked} p SET status = 'retry', next_attempt_at = clock_timestamp(), attempts = 0
       FROM first WHERE p.seq = first.seq AND p.status = 'held'
     )
     SELECT aggregatetype, partitionkey FROM first WHERE seq IS NULL`,
    [JSON.stringify(keys)],
  );
  return rows.map((row) => ({ channel: text(row, "aggregatetype"), key: text(row, "partitionkey") }));
}

/** The keys of these events, as `releaseNext` takes them. */
export function keysOf(
  events: readonly { readonly channel: string; readonly key: string | undefined }[],
): readonly HeldKey[] {
  return events.flatMap(({ channel, key }) => (key === undefined ? [] : [{ channel, key }]));
}
