import type { Clock } from "../contracts/clock.ts";
import type { AsyncSqlTx, IsolationLevel, TransactionOptions, Transactor } from "../contracts/transaction.ts";
import { systemClock } from "../clock.ts";
import { OptionsError } from "../errors.ts";
import { commit } from "./commit.ts";
import { fromPg } from "./from-pg.ts";
import { lendClient } from "./lend-client.ts";
import type { PgClientLike, PgPoolLike } from "./pg-pool.ts";
import { isRetryableState } from "./sql-state.ts";
import { watchConnection } from "./tenancy.ts";
import { unwind } from "./unwind.ts";
import { warnOfUnawaited } from "./unawaited.ts";

/** What `pgTransactor` can be told. */
export interface PgTransactorOptions {
  /** Times the wait for statements of work that failed. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * Transactions on a pool of `pg`. The handle is the client itself; after the end of the transaction it refuses to
 * work (STORE_TRANSACTION_CLOSED), so that nothing runs in a later transaction on the same connection. Inside, it
 * refuses statements that begin or end a transaction (USAGE_TRANSACTION_CONTROL); savepoints are yours.
 *
 * - a COMMIT that the server answers with ROLLBACK, since an earlier statement had failed, rejects.
 * - a COMMIT whose answer is lost rejects with STORE_OUTCOME_UNKNOWN, which is not retryable.
 * - when the work rejects, a statement of it that is still under way has one second to end. Then it is cancelled at
 *   the server; a second later the connection is given up, and the server rolls back when it notices.
 * - a client whose connection broke, whose state is not known, or whose statement had to be cancelled is not given
 *   back to the pool but destroyed.
 */
export function pgTransactor<Client extends PgClientLike>(
  pool: PgPoolLike<Client>,
  options: PgTransactorOptions = {},
): Transactor<Client> & { enlist(tx: Client): AsyncSqlTx } {
  refuseOthers(pool);
  const { clock = systemClock } = options;
  return {
    transaction: (work, transactionOptions) => run(pool, clock, work, transactionOptions),
    enlist: fromPg,
    isRetryable: isRetryableState,
  };
}

async function run<Client extends PgClientLike, R>(
  pool: PgPoolLike<Client>,
  clock: Clock,
  work: (tx: Client) => Promise<R>,
  options: TransactionOptions | undefined,
): Promise<R> {
  const begin = beginStatement(options?.isolation);
  const client = await pool.connect();
  const tenancy = watchConnection(client);
  const loan = lendClient(client);
  try {
    await client.query(begin);
    const result = await work(loan.handle);
    warnOfUnawaited(loan);
    await loan.takeBack();
    await commit(client, loan, tenancy);
    return result;
  } catch (error) {
    await unwind(client, loan, tenancy, clock);
    throw error;
  } finally {
    tenancy.end();
  }
}

const levels: Readonly<Record<IsolationLevel, string>> = {
  "read committed": "BEGIN ISOLATION LEVEL READ COMMITTED",
  "repeatable read": "BEGIN ISOLATION LEVEL REPEATABLE READ",
  serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE",
};

/** A table and not a template: what a caller passes never becomes SQL. */
function beginStatement(isolation: IsolationLevel | undefined): string {
  if (isolation === undefined) return "BEGIN";
  const known = Object.hasOwn(levels, isolation);
  if (!known)
    throw new OptionsError("transaction", [`isolation: must be one of ${Object.keys(levels).join(", ")}`]);
  return levels[isolation];
}

function refuseOthers(pool: unknown): void {
  const fits =
    typeof pool === "object" &&
    pool !== null &&
    "connect" in pool &&
    typeof pool.connect === "function" &&
    "totalCount" in pool;
  if (!fits) throw new OptionsError("pgTransactor", ["pool: must be a Pool of pg, not a client of it"]);
}
