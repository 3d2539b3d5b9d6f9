import type { AsyncSqlTx } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import { statement, type Statement } from "../transaction.ts";
import { storedId } from "./stored-id.ts";

/**
 * One statement for any number of ids. The unique key decides: of two transactions with one id the second waits for
 * the first. The ids go in sorted, so that two overlapping batches wait in the same order and cannot deadlock.
 */
export function registerStatement(tables: Tables): Statement {
  return statement(
    `INSERT INTO ${tables.inbox} (consumer, message_id) ` +
      `SELECT $1::text, id FROM json_array_elements_text($2::text::json) AS given (id) ` +
      `ON CONFLICT DO NOTHING RETURNING message_id`,
  );
}

export async function register(
  tx: AsyncSqlTx,
  mark: Statement,
  consumer: string,
  messageIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const original = new Map(messageIds.map((id) => [storedId(id), id]));
  const { rows } = await tx.execute(mark[tx.placeholders], [
    consumer,
    JSON.stringify([...original.keys()].sort()),
  ]);
  return new Set(
    rows.flatMap((row) => original.get(String((row as { readonly message_id?: unknown }).message_id)) ?? []),
  );
}
