import type { SqlTx } from "../contracts/transaction.ts";

/** True for what a `fromX` adapter made, false for a library's own transaction handle. */
export function isSqlTx(value: unknown): value is SqlTx {
  if (typeof value !== "object" || value === null) return false;
  const { mode, execute, inTransaction } = value as Partial<Record<keyof SqlTx, unknown>>;
  return (
    (mode === "sync" || mode === "async") &&
    typeof execute === "function" &&
    typeof inTransaction === "function"
  );
}
