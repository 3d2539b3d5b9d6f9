import type { Clock } from "@postrider/core";
import type { PgliteLike, PgliteTxLike } from "@postrider/core/sql";
import type { Connection, Row } from "./connection.ts";
import { withDeadline } from "./deadline.ts";

export interface PgliteSettings {
  readonly statementTimeoutMs: number;
  readonly clock: Clock;
}

/** The one connection of a PGlite database. It waits its turn behind the transactions of the user. */
export function createPgliteConnection(
  database: PgliteLike<PgliteTxLike>,
  settings: PgliteSettings,
): Connection {
  const { clock, statementTimeoutMs } = settings;
  const bounded = <R>(promise: Promise<R>, timeoutMs: number): Promise<R> =>
    withDeadline(clock, timeoutMs, promise, () => {});

  return {
    script: async (statements) => {
      const answers = await bounded(database.exec(statements.join(";\n")), statementTimeoutMs);
      return answers.map((answer) => answer.rows);
    },
    transaction: (work, timeoutMs = statementTimeoutMs) =>
      bounded(
        database.transaction((tx) =>
          work(async (text, values) => {
            const result = await tx.query<Row>(text, values === undefined ? undefined : [...values]);
            return { rows: result.rows, affected: result.affectedRows ?? 0 };
          }),
        ),
        timeoutMs,
      ),
    transactions: "serial",
    poolSize: undefined,
    poolWaiting: () => undefined,
  };
}
