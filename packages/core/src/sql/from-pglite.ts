import type { AsyncSqlTx } from "../contracts/transaction.ts";
import { OptionsError, OutsideTransactionError, TransactionClosedError } from "../errors.ts";

/** What `db.transaction(async (tx) => …)` of PGlite hands out. `transaction` exists on the database only. */
export interface PgliteTxLike {
  /** Runs one statement, with values. */
  query<Row>(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly affectedRows?: number }>;
  /** Runs statements without values. */
  exec(text: string): Promise<unknown[]>;
  /** Ends the transaction; the transactor does that. */
  rollback(): Promise<void>;
  /** True after its end. */
  readonly closed: boolean;
  /** A database is no transaction. */
  readonly transaction?: never;
}

/**
 * A PGlite transaction as SQL. After its end every statement fails with STORE_TRANSACTION_CLOSED.
 *
 * @throws OutsideTransactionError for the database itself: each of its statements commits by itself.
 */
export function fromPglite(tx: PgliteTxLike): AsyncSqlTx {
  refuseOthers(tx);
  return {
    mode: "async",
    placeholders: "$n",
    inTransaction: () => (tx.closed ? undefined : true),
    execute: async (text, values) => {
      if (tx.closed) throw new TransactionClosedError();
      const result = await tx.query<unknown>(text, [...values]);
      return { rows: result.rows, affected: result.affectedRows ?? 0 };
    },
  };
}

function refuseOthers(tx: unknown): void {
  if (typeof tx !== "object" || tx === null || !("query" in tx) || typeof tx.query !== "function") {
    throw new OptionsError("fromPglite", ["tx: must be a transaction of PGlite"]);
  }
  if ("transaction" in tx)
    throw new OutsideTransactionError({ adapter: "fromPglite", given: "the database" });
}
