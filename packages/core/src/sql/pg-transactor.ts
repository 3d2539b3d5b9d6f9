import type { AsyncSqlTx, IsolationLevel, TransactionOptions, Transactor } from "../contracts/transaction.ts";
import { MessagingError, OptionsError, toError } from "../errors.ts";
import { fromPg, type PgTxLike } from "./from-pg.ts";
import { lendClient, type Loan } from "./lend-client.ts";
import { isRetryableState } from "./sql-state.ts";

/** What a pool of `pg` hands out. */
export interface PgClientLike extends PgTxLike {
  release(error?: Error | boolean): void;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * A `Pool` of `pg`. Both signatures of `connect`, in their order: inference pairs overloads from the last one
 * backwards, and would find no client with one alone.
 */
export interface PgPoolLike<Client> {
  connect(): Promise<Client>;
  connect(callback: never): void;
  readonly totalCount: number;
}

/**
 * Transactions on a pool of `pg`. The handle is the client itself; after the end of the transaction it refuses to
 * work (STORE_TRANSACTION_CLOSED), so that nothing runs in a later transaction on the same connection.
 *
 * - a COMMIT that the server answers with ROLLBACK, since an earlier statement had failed, rejects.
 * - a client whose connection broke, or whose state is not known, is not given back to the pool but destroyed.
 */
export function pgTransactor<Client extends PgClientLike>(
  pool: PgPoolLike<Client>,
): Transactor<Client> & { enlist(tx: Client): AsyncSqlTx } {
  refuseOthers(pool);
  return {
    transaction: (work, options) => run(pool, work, options),
    enlist: fromPg,
    isRetryable: isRetryableState,
  };
}

async function run<Client extends PgClientLike, R>(
  pool: PgPoolLike<Client>,
  work: (tx: Client) => Promise<R>,
  options: TransactionOptions | undefined,
): Promise<R> {
  const begin = beginStatement(options?.isolation);
  const client = await pool.connect();
  const tenancy = watchConnection(client);
  const loan = lendClient(client);
  try {
    await client.query(begin);
    const result = await settle(work, loan);
    await commit(client, loan);
    return result;
  } catch (error) {
    await rollback(client, tenancy);
    throw error;
  } finally {
    tenancy.end();
  }
}

/** The work's own outcome, after which the handle is dead and no statement is under way. */
async function settle<Client, R>(work: (tx: Client) => Promise<R>, loan: Loan<Client>): Promise<R> {
  try {
    return await work(loan.handle);
  } finally {
    await loan.takeBack();
  }
}

async function commit(client: PgClientLike, loan: Loan<unknown>): Promise<void> {
  if (statusOf(client) === "I") {
    throw new MessagingError(
      "STORE_TRANSACTION_CLOSED",
      "The work ended its transaction itself (COMMIT or ROLLBACK as a statement). Return to commit, throw to roll back.",
    );
  }
  const answer = await client.query("COMMIT");
  if (answer.command !== "ROLLBACK") return;
  throw new MessagingError(
    "STORE_FAILED",
    "Nothing was committed: a statement of this transaction had failed, and the work went on. Let the error pass, or use a savepoint.",
    { cause: loan.firstFailure() },
  );
}

/** Never throws: the error that led here is the one to tell. */
async function rollback(client: PgClientLike, tenancy: Tenancy): Promise<void> {
  if (tenancy.broken() || statusOf(client) === "I") return;
  try {
    await client.query("ROLLBACK");
  } catch (error) {
    tenancy.blame(toError(error));
  }
}

interface Tenancy {
  broken(): boolean;
  blame(error: Error): void;
  /** Gives the client back, or has it destroyed. */
  end(): void;
}

/** A pool listens to its idle clients only: on a lent one an unheard `error` event would end the process. */
function watchConnection(client: PgClientLike): Tenancy {
  let reason: Error | undefined;
  const blame = (error: Error): void => {
    reason ??= error;
  };
  client.on?.("error", blame);
  return {
    broken: () => reason !== undefined,
    blame,
    end: () => {
      const status = statusOf(client);
      if (status !== undefined && status !== "I")
        blame(new Error(`The connection was left in state ${status}`));
      client.release(reason);
      client.removeListener?.("error", blame);
    },
  };
}

function statusOf(client: PgClientLike): string | undefined {
  return client.getTransactionStatus?.() ?? undefined;
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
