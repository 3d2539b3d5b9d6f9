import { OptionsError, type PruneOptions } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/**
 * Deletes old marks, so many per statement, until none is left or the signal says stop. Marks that another prune is
 * deleting are passed over, so several processes may do it at once.
 */
export async function prune(connection: Connection, tables: Tables, options: PruneOptions): Promise<number> {
  const { olderThanMs, batchSize = 5_000, maxRows = Number.MAX_SAFE_INTEGER, signal } = checked(options);
  let total = 0;
  while (signal?.aborted !== true && total < maxRows) {
    const step = Math.min(batchSize, maxRows - total);
    const answers = await connection.script([pruneStatement(tables, olderThanMs, step)]);
    const gone = Number(answers.at(-1)?.[0]?.["gone"]);
    total += gone;
    if (gone < step) break;
  }
  return total;
}

function pruneStatement(tables: Tables, olderThanMs: number, batchSize: number): string {
  return (
    `WITH old AS (SELECT consumer, message_id FROM ${tables.inbox} ` +
    `WHERE processed_at < clock_timestamp() - ${olderThanMs} * interval '1 millisecond' ` +
    `ORDER BY processed_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED), ` +
    `gone AS (DELETE FROM ${tables.inbox} i USING old ` +
    `WHERE i.consumer = old.consumer AND i.message_id = old.message_id RETURNING 1) ` +
    `SELECT count(*)::text AS gone FROM gone`
  );
}

/** These numbers stand in the statement as text, so they must be numbers. */
function checked(options: PruneOptions): PruneOptions {
  const problems: string[] = [];
  if (!Number.isSafeInteger(options.olderThanMs) || options.olderThanMs < 0) {
    problems.push("olderThanMs: must be a whole number of milliseconds, 0 or more");
  }
  const { batchSize = 1, maxRows = 1 } = options;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > 100_000) {
    problems.push("batchSize: must be a whole number from 1 to 100,000");
  }
  if (!Number.isSafeInteger(maxRows) || maxRows < 1) problems.push("maxRows: must be a whole number from 1");
  if (problems.length > 0) throw new OptionsError("The inbox's prune options", problems);
  return options;
}
