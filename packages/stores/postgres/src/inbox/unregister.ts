import type { AsyncSqlTx } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import { statement, type Statement } from "../transaction.ts";
import { storedId } from "./stored-id.ts";

/** Takes back marks that this very transaction has made; those of other transactions stay, whatever is asked. */
export function unregisterStatement(tables: Tables): Statement {
  return statement(
    `DELETE FROM ${tables.inbox} WHERE tx_id = pg_current_xact_id() AND consumer = $1::text ` +
      `AND message_id IN (SELECT id FROM json_array_elements_text($2::text::json) AS given (id))`,
  );
}

export async function unregister(
  tx: AsyncSqlTx,
  unmark: Statement,
  consumer: string,
  messageIds: readonly string[],
): Promise<void> {
  await tx.execute(unmark[tx.placeholders], [consumer, JSON.stringify(messageIds.map(storedId))]);
}
