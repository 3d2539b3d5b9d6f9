import type { Clock } from "@postrider/core";
import type { PgClientLike, PgPoolLike } from "@postrider/core/sql";
import { toError } from "../errors.ts";
import type { Connection, Row, Run, RunResult } from "./connection.ts";
import { withDeadline } from "./deadline.ts";

/** What the server is given before the answer itself is given up. */
const graceMs = 1_000;

/**
 * Compiling takes 100 ms and more, which no statement of ours runs for. The planner goes by costs, and a plan that it
 * was told to avoid and cannot counts as so dear that it would always be compiled.
 */
const uncompiled = "SET LOCAL jit = off";

export interface PoolSettings {
  readonly statementTimeoutMs: number;
  readonly clock: Clock;
}

/** Borrows a client for each message or transaction and keeps none: the pool stays the user's. */
export function createPoolConnection(pool: PgPoolLike<PgClientLike>, settings: PoolSettings): Connection {
  const { clock, statementTimeoutMs } = settings;

  return {
    script: (statements) =>
      borrow(pool, clock, statementTimeoutMs + graceMs, async (client) => {
        const first = [`SET LOCAL statement_timeout = ${statementTimeoutMs}`, uncompiled];
        const answers: unknown = await client.query([...first, ...statements].join(";\n"));
        return rowsOfEach(answers).slice(first.length);
      }),
    transaction: (work, timeoutMs = statementTimeoutMs) =>
      borrow(pool, clock, timeoutMs + graceMs, async (client) => {
        await client.query(begin(timeoutMs));
        const result = await work(runOn(client));
        await client.query("COMMIT");
        return result;
      }),
    transactions: "concurrent",
    poolSize: sizeOf(pool),
    poolWaiting: () => waitingAt(pool),
  };
}

/**
 * A process that stands still between two statements, or whose line went dead, must not keep its locks: on the row of the
 * lease they would keep every standby out. The server rolls back then, and ends the session.
 */
function begin(timeoutMs: number): string {
  return (
    `BEGIN; SET LOCAL statement_timeout = ${timeoutMs}; ${uncompiled}; ` +
    `SET LOCAL idle_in_transaction_session_timeout = ${timeoutMs}`
  );
}

/**
 * The client goes back to the pool when the work is done, and is destroyed when it failed or took too long: that
 * rolls back what was open, and leaves no session whose state would have to be found out.
 */
async function borrow<R>(
  pool: PgPoolLike<PgClientLike>,
  clock: Clock,
  limitMs: number,
  work: (client: PgClientLike) => Promise<R>,
): Promise<R> {
  const client = await checkOut(pool, clock, limitMs);
  let reason: Error | undefined;
  const blame = (error: Error): void => {
    reason ??= error;
  };
  // A pool listens to its idle clients only: on a lent one an unheard `error` event would end the process.
  client.on?.("error", blame);
  try {
    return await withDeadline(clock, limitMs, work(client), blame);
  } catch (error) {
    blame(toError(error));
    throw error;
  } finally {
    client.release(reason);
    client.removeListener?.("error", blame);
  }
}

/** A client that comes after its time goes straight back. */
async function checkOut(
  pool: PgPoolLike<PgClientLike>,
  clock: Clock,
  limitMs: number,
): Promise<PgClientLike> {
  let late = false;
  const asked = pool.connect();
  asked.then(
    (client) => (late ? client.release() : undefined),
    () => undefined,
  );
  return withDeadline(clock, limitMs, asked, () => {
    late = true;
  });
}

function runOn(client: PgClientLike): Run {
  return async (text, values) => {
    const result = await client.query(text, values === undefined ? undefined : [...values]);
    return { rows: result.rows as readonly Row[], affected: result.rowCount ?? 0 } satisfies RunResult;
  };
}

function rowsOfEach(answers: unknown): readonly (readonly Row[])[] {
  const list = Array.isArray(answers) ? (answers as readonly { readonly rows: readonly Row[] }[]) : [];
  return list.map((answer) => answer.rows);
}

function sizeOf(pool: object): number | undefined {
  const options: unknown = "options" in pool ? pool.options : undefined;
  const max: unknown =
    typeof options === "object" && options !== null && "max" in options ? options.max : undefined;
  return typeof max === "number" ? max : undefined;
}

function waitingAt(pool: object): number | undefined {
  const waiting: unknown = "waitingCount" in pool ? pool.waitingCount : undefined;
  return typeof waiting === "number" ? waiting : undefined;
}
