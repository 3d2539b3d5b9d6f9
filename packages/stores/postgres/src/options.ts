import {
  type Clock,
  guardLogger,
  isOptions,
  type Logger,
  type OptionNames,
  OptionsError,
  problemsOfOptions,
  problemsOfParts,
  systemClock,
  type Transactor,
} from "@postrider/core";
import {
  type PgClientLike,
  type PgliteLike,
  type PgliteTxLike,
  type PgPoolLike,
  pgliteTransactor,
  pgTransactor,
} from "@postrider/core/sql";
import type { Connection } from "./connection/connection.ts";
import { hearIdleErrors, type IdleErrors } from "./connection/idle-errors.ts";
import { createPgliteConnection } from "./connection/pglite.ts";
import { createPoolConnection } from "./connection/pool.ts";
import type { NotifyConnection } from "./outbox/line.ts";
import { defaultSchema, problemsOfNames, type Tables, tablesOf } from "./schema/tables.ts";

/** What both kinds of PostgreSQL store decide. */
export interface PostgresStoreOptions {
  /** Where the tables stand. Letters, digits and `_`. Default `public`. */
  readonly schema?: string | undefined;
  /** Put before each table's name, for several outboxes in one schema. At most 30 characters. Default none. */
  readonly tablePrefix?: string | undefined;
  /**
   * How long a statement of the store's own may take, and how long a transaction of its own may wait for the next one,
   * in milliseconds, 100 to 600,000. Default 10,000. Statements in your transactions keep the limits of your session.
   */
  readonly statementTimeoutMs?: number | undefined;
  /**
   * How often the relay reads its outbox from the very beginning, in milliseconds, from 1,000. Default 60,000. It
   * bounds how long a row could stay unseen after numbers were set back by a restore.
   */
  readonly fullReadEveryMs?: number | undefined;
  /**
   * How long published events are kept in a table of their own, in milliseconds, from 60,000; `Infinity` for ever. The
   * relay's leader deletes older ones, 5,000 at a time. Default 0: what was published is deleted.
   */
  readonly archiveRetentionMs?: number | undefined;
  /** Where broken idle connections of the pool are told. Default: a warning of the process. */
  readonly logger?: Logger | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** A pool of `pg`. The store borrows clients from it and never closes it. */
export interface PoolOptions<Client, Tx> extends PostgresStoreOptions {
  /** A `Pool` of `pg`. One connection for the relay, and one for each handler at work. */
  readonly pool: PgPoolLike<Client>;
  readonly pglite?: undefined;
  /**
   * Makes a client of its own, for NOTIFY and LISTEN: `() => new Client(url)`. With it a relay in another process hears
   * of an event some milliseconds after COMMIT; without, it finds it by polling. The store connects it when it is first
   * needed, makes another when it breaks, and ends it with `close`. Straight to the server, since LISTEN does not work
   * through a pooler in transaction mode. Default none.
   */
  readonly connection?: (() => NotifyConnection) | undefined;
  /** How transactions are opened, and what a handler's `tx` is. Default: the pool's own client. */
  readonly transactor?: Transactor<Tx> | undefined;
}

/** A PGlite database. */
export interface PgliteOptions<Handle, Tx> extends PostgresStoreOptions {
  /** The database itself, not a transaction of it. */
  readonly pglite: PgliteLike<Handle>;
  readonly pool?: undefined;
  /** There is no other process to tell. */
  readonly connection?: undefined;
  /** How transactions are opened, and what a handler's `tx` is. Default: PGlite's own transaction. */
  readonly transactor?: Transactor<Tx> | undefined;
}

/** Everything decided: what the rooms of the store are built from. */
export interface ResolvedOptions {
  readonly tables: Tables;
  readonly connection: Connection;
  readonly transactor: Transactor<unknown>;
  readonly idleErrors: IdleErrors;
  readonly notify: (() => NotifyConnection) | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly fullReadEveryMs: number;
  readonly archiveRetentionMs: number;
}

export type AnyOptions = PoolOptions<PgClientLike, unknown> | PgliteOptions<PgliteTxLike, unknown>;

const names: OptionNames<AnyOptions> = {
  pool: true,
  pglite: true,
  connection: true,
  transactor: true,
  schema: true,
  tablePrefix: true,
  statementTimeoutMs: true,
  fullReadEveryMs: true,
  archiveRetentionMs: true,
  logger: true,
  clock: true,
};

/** Throws one OptionsError with all problems. */
export function resolveOptions(options: AnyOptions): ResolvedOptions {
  if (!isOptions(options)) throw new OptionsError("postgres", [nothingGiven]);
  const {
    schema = defaultSchema,
    tablePrefix = "",
    statementTimeoutMs = 10_000,
    fullReadEveryMs = 60_000,
    archiveRetentionMs = 0,
    logger = warningsOfProcess,
    clock = systemClock,
  } = options;
  const problems = [
    ...problemsOfOptions(options, names),
    ...problemsOfDatabase(options),
    ...problemsOfConnection(options.connection, options.pool),
    ...problemsOfNames(schema, tablePrefix),
    ...problemsOfNumber("statementTimeoutMs", statementTimeoutMs, 100, 600_000),
    ...problemsOfNumber("fullReadEveryMs", fullReadEveryMs, 1_000, 86_400_000),
    ...problemsOfParts(options),
    ...problemsOfTransactor(options.transactor),
    ...(archiveRetentionMs === 0 || archiveRetentionMs === Number.POSITIVE_INFINITY
      ? []
      : problemsOfNumber("archiveRetentionMs", archiveRetentionMs, 60_000, Number.MAX_SAFE_INTEGER)),
  ];
  if (problems.length > 0) throw new OptionsError("postgres", problems);
  const settings = { statementTimeoutMs, clock };
  return {
    tables: tablesOf(schema, tablePrefix),
    notify: options.connection,
    logger: guardLogger(logger),
    clock,
    fullReadEveryMs,
    archiveRetentionMs,
    ...(options.pool === undefined
      ? {
          connection: createPgliteConnection(options.pglite, settings),
          transactor: options.transactor ?? pgliteTransactor(options.pglite, { clock, logger }),
          idleErrors: hearIdleErrors(options.pglite, guardLogger(logger)),
        }
      : {
          connection: createPoolConnection(options.pool, settings),
          transactor: options.transactor ?? pgTransactor(options.pool, { clock }),
          idleErrors: hearIdleErrors(options.pool, guardLogger(logger)),
        }),
  };
}

const nothingGiven = "options: must be an object with 'pool' or 'pglite'";

/** Plain JavaScript gets here with anything. */
function problemsOfDatabase(options: AnyOptions): string[] {
  const pool: unknown = options.pool;
  const pglite: unknown = options.pglite;
  const given = [pool, pglite].filter((one) => one !== undefined);
  if (given.length !== 1) return ["pool: give either a pool of pg or a PGlite database"];
  if (pool === undefined)
    return isDatabase(pglite) ? [] : ["pglite: must be a PGlite database, not a transaction of it"];
  if (isClient(pool))
    return ["pool: this is a single client; give the Pool, so that the relay has connections of its own"];
  return isPool(pool) ? [] : ["pool: must be a Pool of pg"];
}

function problemsOfTransactor(transactor: unknown): string[] {
  const fits = transactor === undefined || hasMethod(transactor, "transaction");
  return fits ? [] : ["transactor: must be a transactor such as pgTransactor(pool)"];
}

function problemsOfConnection(connection: unknown, pool: unknown): string[] {
  if (connection === undefined) return [];
  if (pool === undefined) return ["connection: PGlite has no other process to tell"];
  return typeof connection === "function"
    ? []
    : ["connection: must be a function that makes a new Client of pg, such as () => new Client(url)"];
}

function isPool(value: unknown): boolean {
  return hasMethod(value, "connect") && "totalCount" in value;
}

function isClient(value: unknown): boolean {
  return hasMethod(value, "query") && !("totalCount" in value);
}

function isDatabase(value: unknown): boolean {
  return hasMethod(value, "transaction") && hasMethod(value, "exec");
}

function hasMethod(value: unknown, name: string): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Record<string, unknown>)[name] === "function"
  );
}

function problemsOfNumber(name: string, value: unknown, least: number, most: number): string[] {
  const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return fits ? [] : [`${name}: must be a whole number from ${least} to ${most}`];
}

const warningsOfProcess: Logger = {
  debug: () => {},
  info: () => {},
  warn: warnOfProcess,
  error: warnOfProcess,
};

function warnOfProcess(message: string, context?: Readonly<Record<string, unknown>>): void {
  process.emitWarning(`${message} ${JSON.stringify(context ?? {})}`, { code: "POSTRIDER_POSTGRES" });
}
