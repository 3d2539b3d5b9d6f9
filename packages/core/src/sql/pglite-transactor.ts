import { systemClock } from "../clock.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { AsyncSqlTx, IsolationLevel, Transactor } from "../contracts/transaction.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import { guardLogger } from "../logger.ts";
import { endedInside, nothingCommitted } from "./commit.ts";
import { fromPglite, type PgliteTxLike } from "./from-pglite.ts";
import { lendClient, type Loan } from "./lend-client.ts";
import { isRetryableState, sqlStateOf } from "./sql-state.ts";
import { warnOfUnawaited } from "./unawaited.ts";

/** A PGlite database. It has one connection: its transactions run one after another. */
export interface PgliteLike<Tx> {
  /**
   * Runs one statement in a transaction of its own. Waits for the transaction that is open, so not from
   * inside it.
   */
  query<Row>(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly affectedRows?: number }>;
  /** Runs statements without values, like `query`. */
  exec(text: string): Promise<{ readonly rows: Record<string, unknown>[]; readonly affectedRows?: number }[]>;
  /** One transaction at a time; the others wait. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** True after `close`. */
  readonly closed: boolean;
}

/** What `pgliteTransactor` can be told. */
export interface PgliteTransactorOptions {
  /** Where a transaction that stays open is told. Default: a warning of the process. */
  readonly logger?: Logger | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * Transactions on a PGlite database. The handle is PGlite's own, but for statements that begin or end a transaction:
 * those are refused (USAGE_TRANSACTION_CONTROL). Savepoints are yours.
 *
 * Inside, use the handle and never the database object: what is asked of that waits for the open transaction to end,
 * which then never does, and everything else waits behind it. Nothing can undo that, but a transaction that is open for
 * five seconds is told, with this as its likely cause.
 *
 * - a COMMIT that would be answered with ROLLBACK, since an earlier statement had failed, rejects.
 * - a statement under way can neither be cancelled nor abandoned: there is one connection, in this very process. It
 *   never waits for a lock, since nobody else can hold one; what computes for long blocks the process meanwhile.
 */
export function pgliteTransactor<Tx extends PgliteTxLike>(
  database: PgliteLike<Tx>,
  options: PgliteTransactorOptions = {},
): Transactor<Tx> & { enlist(tx: Tx): AsyncSqlTx } {
  refuseOthers(database);
  const { clock = systemClock, logger } = options;
  const warn = logger === undefined ? warnOfProcess : guardLogger(logger).warn;
  return {
    transaction: async (work, { isolation } = {}) => {
      const setLevel = isolation === undefined ? undefined : isolationStatement(isolation);
      return database.transaction(async (tx) => {
        const cancel = clock.schedule(longMs, () => warn(stuck));
        try {
          if (setLevel !== undefined) await tx.exec(setLevel);
          return await runIn(tx, work);
        } finally {
          cancel();
        }
      });
    },
    enlist: fromPglite,
    isRetryable: isRetryableState,
  };
}

/** Work on a database in this very process takes milliseconds. */
const longMs = 5_000;
const stuck =
  `A transaction on PGlite has been open for ${longMs / 1_000} s, and everything else waits for it. ` +
  "Did its work use the database object instead of `tx`? That waits for the transaction's own end, for ever.";

function warnOfProcess(message: string): void {
  process.emitWarning(message, { code: "POSTRIDER_PGLITE" });
}

async function runIn<Tx extends PgliteTxLike, R>(tx: Tx, work: (tx: Tx) => Promise<R>): Promise<R> {
  const loan = lendClient(tx);
  try {
    const result = await work(loan.handle);
    warnOfUnawaited(loan);
    await loan.takeBack();
    await refuseLostCommit(tx, loan);
    return result;
  } finally {
    await loan.takeBack();
  }
}

/**
 * PGlite commits without reading the answer: a failed transaction would pass for a committed one, and so would one that
 * has ended. A savepoint is refused in both.
 */
async function refuseLostCommit(tx: PgliteTxLike, loan: Loan<unknown>): Promise<void> {
  if (tx.closed) {
    throw new MessagingError(
      "STORE_TRANSACTION_CLOSED",
      "The work rolled its transaction back itself. Return to commit, throw to roll back.",
    );
  }
  try {
    await tx.exec("SAVEPOINT before_commit");
  } catch (error) {
    if (sqlStateOf(error) === "25P01") throw endedInside();
    if (sqlStateOf(error) !== "25P02") throw error;
    throw nothingCommitted(loan.firstFailure() ?? error);
  }
}

const levels: Readonly<Record<IsolationLevel, string>> = {
  "read committed": "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
  "repeatable read": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
  serializable: "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
};

function isolationStatement(isolation: IsolationLevel): string {
  if (!Object.hasOwn(levels, isolation)) {
    throw new OptionsError("transaction", [`isolation: must be one of ${Object.keys(levels).join(", ")}`]);
  }
  return levels[isolation];
}

function refuseOthers(database: unknown): void {
  const fits =
    typeof database === "object" &&
    database !== null &&
    "transaction" in database &&
    typeof database.transaction === "function" &&
    "exec" in database;
  if (!fits)
    throw new OptionsError("pgliteTransactor", [
      "database: must be a PGlite database, not a transaction of it",
    ]);
}
