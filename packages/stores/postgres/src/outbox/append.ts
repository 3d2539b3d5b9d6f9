import type { AsyncSqlTx, SealedEvent } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import type { Statement } from "../transaction.ts";
import { statement } from "../transaction.ts";
import { eventColumns, eventRecord } from "./columns.ts";
import { eventList } from "./event-list.ts";

/**
 * One statement for any number of events, with one parameter of type text. Libraries disagree on arrays and bytes as
 * parameters (several expand an array into a list); all of them pass a string on as it is. It costs no more than
 * arrays do. The rows draw their numbers in the order of the array.
 */
export function appendStatement(tables: Tables): Statement {
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
  write: Statement,
  events: readonly SealedEvent[],
): Promise<void> {
  await tx.execute(write[tx.placeholders], [eventList(events)]);
}
