import type { Loan } from "./lend-client.ts";

/**
 * Says so when work has resolved while statements of it were under way: nobody awaited them. They are part of the
 * transaction all the same; but what their answer was to lead to comes after its end, and finds it closed.
 */
export function warnOfUnawaited(loan: Loan<unknown>): void {
  const count = loan.underway();
  if (count === 0) return;
  process.emitWarning(
    `A transaction's work had finished while ${count === 1 ? "one statement of it was" : `${count} statements of it were`} under way. Await everything inside: what comes later fails with STORE_TRANSACTION_CLOSED.`,
    { code: "POSTRIDER_UNAWAITED" },
  );
}
