import type { Store } from "../contracts/store.ts";
import type { IsolationLevel } from "../contracts/transaction.ts";
import { MessagingError } from "../errors.ts";
import type { UnitOfWork } from "./context.ts";
import type { RunOptions, UnitSettings } from "./unit-options.ts";
import { linkOf } from "./unit.ts";

/** In the outer unit's transaction. What the inner work has written and published cannot be told from the outer's. */
export async function joinUnit<Tx, R>(
  outer: UnitOfWork<Tx>,
  work: (unit: UnitOfWork<Tx>) => Promise<R>,
  settings: UnitSettings,
  { isolation }: RunOptions,
): Promise<R> {
  const link = linkOf(outer);
  if (isolation !== undefined && isolation !== link?.isolation)
    throw isolationMismatch(isolation, link?.isolation);
  link?.addHandlers(settings.table);
  try {
    return await work(outer);
  } catch (error) {
    link?.rollbackOnly(error);
    throw error;
  }
}

/** With one connection the inner transaction waits for the outer one, and the outer one for it. */
export function refuseSecondTransaction(store: Pick<Store<unknown>, "transactions" | "poolSize">): void {
  if (store.transactions !== "serial" && store.poolSize !== 1) return;
  throw new MessagingError(
    "USAGE_SECOND_TRANSACTION",
    "propagation 'requires-new' was asked for inside a unit of work, and this store has one connection: both would wait for ever. Join, or give the pool more connections.",
  );
}

export function unitMissing(): MessagingError {
  return new MessagingError(
    "USAGE_UNIT_MISSING",
    "propagation 'mandatory' was asked for outside of a unit of work. Call this inside unitOfWork().run(…) or a consumer's handler.",
  );
}

function isolationMismatch(asked: IsolationLevel, has: IsolationLevel | undefined): MessagingError {
  return new MessagingError(
    "USAGE_ISOLATION_MISMATCH",
    `A unit of work inside another joins its transaction, whose isolation is ${has ?? "the database's default"}, not ${asked}. ` +
      "Ask for it where the outer unit begins, or run this one outside of it.",
    { context: { asked, has: has ?? "default" } },
  );
}
