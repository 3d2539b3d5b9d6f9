import type { AsyncSqlTx, JournalEntry } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import type { Statement } from "../transaction.ts";
import { statement } from "../transaction.ts";

const columns = {
  unit_id: "text",
  place: "integer",
  id: "text",
  type: "text",
  data: "json",
  occurred_at: "timestamptz",
  depth: "integer",
  caused_by: "text",
  correlation_id: "text",
  causation_id: "text",
  actor: "text",
  tenant: "text",
} as const;

/** One statement for any number of entries, with one parameter of type text, as the outbox has it. */
export function appendStatement(tables: Tables): Statement {
  const names = Object.keys(columns).join(", ");
  const record = Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ");
  return statement(
    `INSERT INTO ${tables.journal} (${names}) SELECT ${names} FROM json_to_recordset($1::text::json) AS (${record})`,
  );
}

export async function append(
  tx: AsyncSqlTx,
  write: Statement,
  entries: readonly JournalEntry[],
): Promise<void> {
  await tx.execute(write[tx.placeholders], [`[${entries.map(recordOf).join(",")}]`]);
}

/** The data is JSON already: it stands in the text as it is. */
function recordOf(entry: JournalEntry): string {
  const rest: Readonly<Record<Exclude<keyof typeof columns, "data">, unknown>> = {
    unit_id: entry.unitId,
    place: entry.place,
    id: entry.id,
    type: entry.type,
    occurred_at: entry.occurredAt,
    depth: entry.depth,
    caused_by: entry.causedBy ?? null,
    correlation_id: entry.correlationId,
    causation_id: entry.causationId ?? null,
    actor: entry.actor ?? null,
    tenant: entry.tenant ?? null,
  };
  return `${JSON.stringify(rest).slice(0, -1)},"data":${entry.data}}`;
}
