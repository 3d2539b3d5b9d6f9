import type { OutboxStatus } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { optional } from "./columns.ts";

/** Up to here rows are counted; beyond, the statistics of the table are asked. */
const countedRows = 10_000;

export async function status(connection: Connection, tables: Tables): Promise<OutboxStatus> {
  const answers = await connection.script([statusStatement(tables)]);
  const row = answers.at(-1)?.[0] ?? {};
  const counted = Number(row["counted"]);
  const oldest = optional(row, "oldest_age_ms");
  return {
    backlog: counted > countedRows ? Math.max(counted, Number(row["estimated"])) : counted,
    oldestAgeMs: oldest === undefined ? undefined : Math.max(0, Number(oldest)),
    parked: Number(row["parked"]),
    dead: Number(row["dead"]),
    owner: optional(row, "owner"),
  };
}

function statusStatement(tables: Tables): string {
  const oldest = `SELECT stored_at FROM ${tables.event} ORDER BY seq LIMIT 1`;
  return [
    `SELECT (SELECT count(*) FROM (SELECT 1 FROM ${tables.event} LIMIT ${countedRows + 1}) AS first_rows)::text AS counted`,
    `(SELECT greatest(reltuples, 0)::bigint::text FROM pg_class WHERE oid = '${tables.event}'::regclass) AS estimated`,
    `(SELECT floor(extract(epoch FROM clock_timestamp() - (${oldest})) * 1000)::text) AS oldest_age_ms`,
    `(SELECT count(*) FROM ${tables.parked})::text AS parked`,
    `(SELECT count(*) FROM ${tables.parked} WHERE status = 'dead')::text AS dead`,
    `(SELECT owner FROM ${tables.lease} WHERE lease_until > clock_timestamp()) AS owner`,
  ].join(",\n");
}
