/** What a statement gave back. */
export interface SqlResult {
  readonly rows: readonly unknown[];
  /** Rows inserted, updated or deleted; 0 for a select. */
  readonly affected: number;
}

/**
 * One open transaction seen as SQL: what an outbox writes through. Made by the `fromX` adapters of
 * `@postrider/core/sql` from the handle of the user's own database library.
 */
export interface SqlTx {
  /** Whether `execute` answers at once or with a promise. */
  readonly mode: "sync" | "async";
  /** How the library writes parameters: `$1` or `?`. */
  readonly placeholders: "$n" | "?";
  /** False when there is certainly no transaction open, undefined when the library cannot tell. */
  readonly inTransaction: () => boolean | undefined;
  /** Runs one statement in this transaction. Values never become part of the text. */
  readonly execute: (text: string, values: readonly unknown[]) => SqlResult | Promise<SqlResult>;
}
/** A transaction of an asynchronous library: what its statements give is awaited. */
export interface AsyncSqlTx extends SqlTx {
  readonly mode: "async";
  /** Runs one statement in this transaction and resolves with its rows. */
  readonly execute: (text: string, values: readonly unknown[]) => Promise<SqlResult>;
}
/** A transaction of a synchronous library (SQLite drivers): nothing in it can be awaited. */
export interface SyncSqlTx extends SqlTx {
  readonly mode: "sync";
  /** Runs one statement in this transaction and returns its rows. */
  readonly execute: (text: string, values: readonly unknown[]) => SqlResult;
}

/** The isolation levels of the SQL standard that the databases in use share. */
export type IsolationLevel = "read committed" | "repeatable read" | "serializable";

/** How a transaction is opened. */
export interface TransactionOptions {
  /** Default: the database's own. */
  readonly isolation?: IsolationLevel | undefined;
}

/** Opens transactions in the user's own database library, and shows one as SQL. */
export interface Transactor<Tx> {
  /**
   * Begins, runs `work`, commits when it resolves and rolls back when it rejects; rejects with the original error.
   * Work that rejected may have left a statement under way: the rollback is waited for, but for a bounded time.
   * A failure of COMMIT rejects too: with STORE_OUTCOME_UNKNOWN, not retryable, when no answer tells whether it took
   * effect.
   */
  transaction<R>(work: (tx: Tx) => Promise<R>, options?: TransactionOptions): Promise<R>;
  /**
   * The open transaction as SQL, for the outbox and the inbox.
   *
   * @throws MessagingError STORE_OUTSIDE_TRANSACTION for what is certainly in no transaction.
   */
  enlist(tx: Tx): SqlTx;
  /** True when running the whole transaction again can succeed: serialization failure, deadlock. */
  isRetryable?(error: unknown): boolean;
  /**
   * True when the database cannot be reached, also when it could not be at COMMIT (STORE_OUTCOME_UNKNOWN): the fault is
   * nobody's on the path, and attempts are not counted.
   */
  isUnavailable?(error: unknown): boolean;
}
