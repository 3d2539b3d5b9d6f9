import type { AsyncSqlTx, SealedEvent } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import type { Statement } from "../transaction.ts";
import { statement } from "../transaction.ts";
import { columnTypes, eventColumns, eventRecord, recordOf } from "./columns.ts";
import { assertFits, eventList } from "./event-list.ts";

/** How a store writes events: one of them in a way of its own, which is the most frequent case and half the work. */
export interface AppendStatements {
  readonly one: Statement;
  readonly many: Statement;
}

export function appendStatements(tables: Tables): AppendStatements {
  return { one: oneStatement(tables), many: manyStatement(tables) };
}

/** One parameter per column, each of type text: parsing that costs the server half as much as a list does. */
function oneStatement(tables: Tables): Statement {
  const values = eventColumns.map((name, index) => {
    const parameter = `$${index + 1}::text`;
    if (name === "payload") return `decode(${parameter}, 'base64')`;
    return columnTypes[name] === "text" ? parameter : `${parameter}::${columnTypes[name]}`;
  });
  return statement(`INSERT INTO ${tables.event} (${eventColumns.join(", ")}) VALUES (${values.join(", ")})`);
}

/**
 * One statement for any number of events, with one parameter of type text. Libraries disagree on arrays and bytes as
 * parameters (several expand an array into a list); all of them pass a string on as it is. It costs no more than
 * arrays do. The rows draw their numbers in the order of the array.
 */
function manyStatement(tables: Tables): Statement {
  const names = eventColumns.join(", ");
  const values = eventColumns
    .map((name) => (name === "payload" ? "decode(payload, 'base64')" : name))
    .join(", ");
  return statement(
    `INSERT INTO ${tables.event} (${names}) SELECT ${values} ` +
      `FROM ROWS FROM (json_to_recordset($1::text::json) AS (${eventRecord})) ` +
      `WITH ORDINALITY AS event (${names}, place) ORDER BY place`,
  );
}

export async function append(
  tx: AsyncSqlTx,
  write: AppendStatements,
  events: readonly SealedEvent[],
): Promise<void> {
  const [event, another] = events;
  if (event === undefined) return;
  if (another === undefined) {
    assertFits(events);
    await tx.execute(write.one[tx.placeholders], valuesOf(event));
  } else await tx.execute(write.many[tx.placeholders], [eventList(events)]);
}

/** The columns of one event as text, in their order. */
function valuesOf(event: SealedEvent): readonly (string | null)[] {
  const record = recordOf(event);
  return eventColumns.map((name) => {
    const value = record[name];
    if (value === null || typeof value === "string") return value;
    return typeof value === "number" ? String(value) : JSON.stringify(value);
  });
}
