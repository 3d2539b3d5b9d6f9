import type { DomainJournal, Store } from "@postrider/core";
import type { PgClientLike, PgliteTxLike } from "@postrider/core/sql";
import { storeError } from "./errors.ts";
import { createInbox } from "./inbox/index.ts";
import { createJournal } from "./journal/index.ts";
import { type AnyOptions, type PgliteOptions, type PoolOptions, resolveOptions } from "./options.ts";
import { createOutbox, createRelayStore } from "./outbox/index.ts";
import { createLine } from "./outbox/line.ts";
import { createWake, type Wake } from "./outbox/wake.ts";
import { assertSchema } from "./schema/assert.ts";
import { migrate } from "./schema/migrate.ts";
import { printMigrations } from "./schema/print.ts";
import { createTransactions } from "./transaction.ts";

export type { NotifyConnection } from "./outbox/line.ts";
export type { PgliteOptions, PoolOptions, PostgresStoreOptions } from "./options.ts";

/** Outbox, inbox and relay store in one PostgreSQL database. */
export interface PostgresStore<Tx> extends Store<Tx> {
  readonly dialect: "postgres";
  /** The table `domain_event`, written by units of work with `journal: true`. */
  readonly journal: DomainJournal<Tx>;
  /**
   * Brings the tables up to this version, in one transaction and safely from several processes at once. Returns the
   * names of the steps that were applied now. Needs the right to create tables.
   */
  migrate(): Promise<readonly string[]>;
  /** All steps as one SQL script, for tools that bring schemas up by themselves. */
  printMigrations(): string;
  /**
   * How many connections the pool may open, if it says so; undefined for PGlite, which has one and no pool. The relay
   * and each running handler use one.
   */
  readonly poolSize: number | undefined;
  /** How many callers wait for a connection of the pool now, if it says so. */
  poolWaiting(): number | undefined;
  /** How many idle connections of the pool have broken since the store was made. */
  idleErrors(): number;
}

/**
 * A store in the database of this pool or PGlite. Nothing is opened until it is used; call `migrate` or apply
 * `printMigrations` first. A handler's `tx` is the pool's own client, or what the `transactor` makes it.
 *
 * @throws OptionsError with all problems of the options
 */
export function postgres<Handle extends PgliteTxLike, Tx = Handle>(
  options: PgliteOptions<Handle, Tx>,
): PostgresStore<Tx>;
/** A store in the database of a pool; see above. */
export function postgres<Client extends PgClientLike, Tx = Client>(
  options: PoolOptions<Client, Tx>,
): PostgresStore<Tx>;
export function postgres(options: AnyOptions): PostgresStore<unknown> {
  const resolved = resolveOptions(options);
  const { tables, connection, transactor, idleErrors, clock } = resolved;
  const line =
    resolved.notify === undefined
      ? undefined
      : createLine({ ...resolved, connection: resolved.notify, onHeard: () => wake.hear() });
  const wake: Wake = createWake(clock, line);
  const transactions = createTransactions(transactor, wake.signal);

  return {
    dialect: "postgres",
    transaction: transactions.transaction,
    enlist: transactions.enlist,
    isRetryable: transactions.isRetryable,
    isUnavailable: transactions.isUnavailable,
    outbox: createOutbox(tables, transactions, wake),
    inbox: createInbox(connection, tables, transactions),
    journal: createJournal(tables, transactions),
    transactions: connection.transactions,
    relay: createRelayStore(connection, tables, resolved),
    migrate: () => named("migrate the schema", migrate(connection, tables)),
    ping: () =>
      named(
        "reach the database",
        connection.script(["SELECT 1"]).then(() => undefined),
      ),
    assertSchema: () => named("check the schema", assertSchema(connection, tables)),
    printMigrations: () => printMigrations(tables),
    poolSize: connection.poolSize,
    poolWaiting: connection.poolWaiting,
    idleErrors: idleErrors.count,
    close: async () => {
      wake.close();
      idleErrors.stop();
      await line?.close();
    },
  };
}

async function named<R>(doing: string, promise: Promise<R>): Promise<R> {
  try {
    return await promise;
  } catch (error) {
    throw storeError(error, doing);
  }
}
