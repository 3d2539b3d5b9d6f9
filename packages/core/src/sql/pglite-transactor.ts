import type { AsyncSqlTx, IsolationLevel, Transactor } from "../contracts/transaction.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import { endedInside, nothingCommitted } from "./commit.ts";
import { fromPglite, type PgliteTxLike } from "./from-pglite.ts";
import { lendClient, type Loan } from "./lend-client.ts";
import { isRetryableState, sqlStateOf } from "./sql-state.ts";
import { warnOfUnawaited } from "./unawaited.ts";

/** A PGlite database. It has one connection: its transactions run one after another. */
export interface PgliteLike<Tx> {
  query<Row>(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: Row[]; readonly affectedRows?: number }>;
  exec(text: string): Promise<{ readonly rows: Record<string, unknown>[]; readonly affectedRows?: number }[]>;
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  readonly closed: boolean;
}

/**
 * Transactions on a PGlite database. The handle is PGlite's own, but for statements that begin or end a transaction:
 * those are refused (USAGE_TRANSACTION_CONTROL). Savepoints are yours.
 *
 * - a COMMIT that would be answered with ROLLBACK, since an earlier statement had failed, rejects.
 * - a statement under way can neither be cancelled nor abandoned: there is one connection, in this very process. It
 *   never waits for a lock, since nobody else can hold one; what computes for long blocks the process meanwhile.
 */
export function pgliteTransactor<Tx extends PgliteTxLike>(
  database: PgliteLike<Tx>,
): Transactor<Tx> & { enlist(tx: Tx): AsyncSqlTx } {
  refuseOthers(database);
  return {
    transaction: async (work, options) => {
      const setLevel = options?.isolation === undefined ? undefined : isolationStatement(options.isolation);
      return database.transaction(async (tx) => {
        if (setLevel !== undefined) await tx.exec(setLevel);
        return runIn(tx, work);
      });
    },
    enlist: fromPglite,
    isRetryable: isRetryableState,
  };
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
