import { MessagingError, toError } from "../errors.ts";
import type { Loan } from "./lend-client.ts";
import type { PgClientLike } from "./pg-pool.ts";
import { sqlStateOf } from "./sql-state.ts";
import { statusOf, type Tenancy } from "./tenancy.ts";

/**
 * Commits, or rejects with what is known of the outcome: nothing was committed, or STORE_OUTCOME_UNKNOWN. Errors that
 * the server answered COMMIT with pass as they are.
 */
export async function commit(client: PgClientLike, loan: Loan<unknown>, tenancy: Tenancy): Promise<void> {
  const broken = tenancy.broken();
  if (broken !== undefined) throw brokenBefore(broken);
  if (statusOf(client) === "I") throw endedInside();
  const answer = await client.query("COMMIT").catch((error: unknown) => {
    if (isRefusal(error)) throw error;
    tenancy.blame(toError(error));
    throw outcomeUnknown(error);
  });
  if (answer.command === "ROLLBACK") throw nothingCommitted(loan.firstFailure());
}

/** Classes and states that do not tell whether the server had committed when they were sent. */
const undecided = /^(?:08|57P|58|XX|40003)/;

/** True when the server answered, and its answer means a rollback. */
function isRefusal(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === undefined || undecided.test(state)) return false;
  const severity: unknown =
    typeof error === "object" && error !== null && "severity" in error ? error.severity : undefined;
  return severity !== "FATAL" && severity !== "PANIC";
}

/** COMMIT was sent, and no answer came that tells what became of it. */
function outcomeUnknown(cause: unknown): MessagingError {
  return new MessagingError(
    "STORE_OUTCOME_UNKNOWN",
    "The connection broke at COMMIT: the transaction may have taken effect. Find out by a business key that it wrote; run it again only if it is idempotent.",
    { cause },
  );
}

function brokenBefore(cause: Error): MessagingError {
  return new MessagingError(
    "STORE_UNAVAILABLE",
    "The connection broke before COMMIT: nothing was committed.",
    { cause },
  );
}

export function endedInside(): MessagingError {
  return new MessagingError(
    "USAGE_TRANSACTION_CONTROL",
    "The work ended the transaction that the library had begun; what it wrote before may be committed, and its events are not. Return to commit, throw to roll back.",
  );
}

export function nothingCommitted(cause: unknown): MessagingError {
  return new MessagingError(
    "STORE_FAILED",
    "Nothing was committed: a statement of this transaction had failed, and the work went on. Let the error pass, or use a savepoint.",
    { cause },
  );
}
