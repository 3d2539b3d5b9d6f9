import type { OutboxStatus } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { millisecondsOf, optional } from "./columns.ts";

/** Up to here rows are counted; beyond, the statistics of the table are asked. */
const countedRows = 10_000;

export async function status(connection: Connection, tables: Tables): Promise<OutboxStatus> {
  const answers = await connection.script([statusStatement(tables)]);
  const row = answers.at(-1)?.[0] ?? {};
  const counted = Number(row["counted"]);
  const [parked, dead] = [Number(row["parked"]), Number(row["dead"])];
  const [oldest, pausedAt] = [optional(row, "oldest_age_ms"), optional(row, "paused_at_ms")];
  return {
    backlog: counted > countedRows ? Math.max(counted, Number(row["estimated"])) : counted,
    oldestAgeMs: oldest === undefined ? undefined : Math.max(0, Number(oldest)),
    parked: Math.min(parked, countedRows),
    dead: Math.min(dead, countedRows),
    owner: optional(row, "owner"),
    pausedAtMs: pausedAt === undefined ? undefined : Number(pausedAt),
    inexact: Object.entries({ backlog: counted, parked, dead } as const).flatMap(([name, rows]) =>
      rows > countedRows ? [name as "backlog" | "parked" | "dead"] : [],
    ),
  };
}

function statusStatement(tables: Tables): string {
  const oldest = `SELECT stored_at FROM ${tables.event} ORDER BY seq LIMIT 1`;
  return [
    `SELECT (${counted(tables.event)})::text AS counted`,
    `(SELECT greatest(reltuples, 0)::bigint::text FROM pg_class WHERE oid = '${tables.event}'::regclass) AS estimated`,
    `(SELECT floor(extract(epoch FROM clock_timestamp() - (${oldest})) * 1000)::text) AS oldest_age_ms`,
    `(${counted(tables.parked)})::text AS parked`,
    `(${counted(tables.parked, "status = 'dead'")})::text AS dead`,
    `(SELECT ${millisecondsOf("paused_at")} FROM ${tables.lease}) AS paused_at_ms`,
    `(SELECT owner FROM ${tables.lease} WHERE lease_until > clock_timestamp()) AS owner`,
  ].join(",\n");
}

/** By the index in order: no row behind the bound is looked at. */
function counted(table: string, where = "true"): string {
  return `SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${where} ORDER BY seq LIMIT ${countedRows + 1}) AS first_rows`;
}
