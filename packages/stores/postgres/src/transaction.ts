import {
  type AsyncSqlTx,
  OptionsError,
  OutsideTransactionError,
  type SqlTx,
  type TransactionOptions,
  type Transactor,
} from "@postrider/core";
import { isSqlTx } from "@postrider/core/sql";
import { commitError, isUnavailable, storeError } from "./errors.ts";

/** One statement in both ways of writing parameters. */
export type Statement = Readonly<Record<SqlTx["placeholders"], string>>;

/** `text` has `$1`, `$2` … each once and in order, and no `?`. */
export function statement(text: string): Statement {
  return { $n: text, "?": text.replaceAll(/\$\d+/g, "?") };
}

/** The transactions that the store opens, and those that the user has open. */
export interface Transactions<Tx> extends Required<Transactor<Tx>> {
  /** Any handle as SQL to write through. Refuses what is certainly no open transaction. */
  writable(tx: Tx | SqlTx): AsyncSqlTx;
  /** True for a transaction that was opened here and has not ended: its end will be known. */
  isOurs(tx: unknown): boolean;
}

/**
 * Errors of the database become the library's own; what the work itself throws passes untouched.
 *
 * @param onCommitted called after each COMMIT of a transaction that was opened here
 */
export function createTransactions<Tx>(
  transactor: Transactor<Tx>,
  onCommitted: (tx: object) => void,
): Transactions<Tx> {
  const open = new WeakSet<object>();

  return {
    transaction: (work, options) => run(transactor, open, onCommitted, work, options),
    enlist: (tx) => transactor.enlist(tx),
    isRetryable: (error) => transactor.isRetryable?.(error) ?? false,
    isUnavailable: (error) => transactor.isUnavailable?.(error) === true || isUnavailable(error),
    isOurs: (tx) => isObject(tx) && open.has(tx),
    writable: (tx) => {
      if (!isObject(tx)) throw new OutsideTransactionError({ given: tx === null ? "null" : typeof tx });
      const sql = isSqlTx(tx) ? tx : transactor.enlist(tx);
      if (!isAsync(sql)) {
        throw new OptionsError("The transaction", [
          "mode: a synchronous transaction cannot be one of PostgreSQL",
        ]);
      }
      if (sql.inTransaction() === false) throw new OutsideTransactionError();
      return sql;
    },
  };
}

async function run<Tx, R>(
  transactor: Transactor<Tx>,
  open: WeakSet<object>,
  onCommitted: (tx: object) => void,
  work: (tx: Tx) => Promise<R>,
  options: TransactionOptions | undefined,
): Promise<R> {
  let handle: object | undefined;
  let thrown: { readonly error: unknown } | undefined;
  let done = false;
  const observed = async (tx: Tx): Promise<R> => {
    thrown = undefined; // a transactor may run the work again after a conflict
    done = false;
    if (isObject(tx)) {
      handle = tx;
      open.add(tx);
    }
    try {
      const result = await work(tx);
      done = true;
      return result;
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  try {
    const result = await transactor.transaction(observed, options);
    if (handle !== undefined) onCommitted(handle);
    return result;
  } catch (error) {
    if (thrown !== undefined) throw thrown.error;
    throw done ? commitError(error) : storeError(error, "begin");
  } finally {
    if (handle !== undefined) open.delete(handle);
  }
}

function isAsync(sql: SqlTx): sql is AsyncSqlTx {
  return sql.mode === "async";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
