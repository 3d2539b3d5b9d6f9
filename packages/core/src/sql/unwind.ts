import type { Clock } from "../contracts/clock.ts";
import { toError } from "../errors.ts";
import { cancelStatement } from "./cancel-statement.ts";
import type { Loan } from "./lend-client.ts";
import type { PgClientLike } from "./pg-pool.ts";
import { statusOf, type Tenancy } from "./tenancy.ts";

/** What a statement under way has until it is cancelled, and after that until the connection is given up. */
const graceMs = 1_000;

/**
 * Rolls back after work that failed, in bounded time: the statement that the work hangs in may wait for a lock that is
 * never let go of. Never throws: the error that led here is the one to tell.
 */
export async function unwind(
  client: PgClientLike,
  loan: Loan<unknown>,
  tenancy: Tenancy,
  clock: Clock,
): Promise<void> {
  const ended = rollback(client, loan, tenancy);
  if (tenancy.broken() !== undefined || (await settlesWithin(clock, graceMs, ended))) return;
  const giveUp = new AbortController();
  void cancelStatement(client, giveUp.signal);
  await settlesWithin(clock, graceMs, ended);
  giveUp.abort();
  tenancy.blame(new Error("A statement of work that had failed went on, and was cancelled"));
}

/** Behind whatever is under way: the answer to ROLLBACK says that all of it is over. */
async function rollback(client: PgClientLike, loan: Loan<unknown>, tenancy: Tenancy): Promise<void> {
  await loan.takeBack();
  if (tenancy.broken() !== undefined || statusOf(client) === "I") return;
  try {
    await client.query("ROLLBACK");
  } catch (error) {
    tenancy.blame(toError(error));
  }
}

async function settlesWithin(clock: Clock, limitMs: number, promise: Promise<void>): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.schedule(limitMs, () => resolve(false));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    cancel();
  }
}
