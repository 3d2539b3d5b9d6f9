import type { AsyncSqlTx } from "../contracts/transaction.ts";
import { OptionsError, OutsideTransactionError } from "../errors.ts";

/** A `PoolClient` or a `Client` of `pg`, with a transaction open on it. `totalCount` exists on a pool only. */
export interface PgTxLike {
  /** Runs one statement. */
  query(text: string, values?: unknown[]): Promise<PgResultLike>;
  /** `I` outside of a transaction, `T` inside, `E` in a failed one; null before the first answer. */
  getTransactionStatus?(): string | null;
  /** A pool is no transaction. */
  readonly totalCount?: never;
}

export interface PgResultLike {
  readonly rows: unknown[];
  readonly rowCount: number | null;
  readonly command?: string;
}

/**
 * The transaction that is open on a client of `pg`, as SQL. The client stays yours: nothing is committed or released.
 *
 * @throws OutsideTransactionError for a pool: each of its statements commits by itself.
 */
export function fromPg(client: PgTxLike): AsyncSqlTx {
  refuseOthers(client);
  return {
    mode: "async",
    placeholders: "$n",
    inTransaction: () => inTransaction(client),
    execute: async (text, values) => {
      const result = await client.query(text, [...values]);
      return { rows: result.rows, affected: result.command === "SELECT" ? 0 : (result.rowCount ?? 0) };
    },
  };
}

/** The server's own word after each statement: `I` idle, `T` in a transaction, `E` in a failed one. Older pg has none. */
function inTransaction(client: PgTxLike): boolean | undefined {
  const status = client.getTransactionStatus?.() ?? undefined;
  return status === undefined ? undefined : status !== "I";
}

function refuseOthers(client: unknown): void {
  if (
    typeof client !== "object" ||
    client === null ||
    !("query" in client) ||
    typeof client.query !== "function"
  ) {
    throw new OptionsError("fromPg", ["client: must be a connected Client or PoolClient of pg"]);
  }
  if ("totalCount" in client) throw new OutsideTransactionError({ adapter: "fromPg", given: "a pool" });
}
