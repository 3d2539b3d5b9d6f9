import type { Row } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";

/** Who may have drawn a number of the outbox in a transaction that has not ended. */
export interface Writers {
  /** Virtual transaction ids: never given out twice. */
  readonly ids: ReadonlySet<string>;
  /** True while a prepared one is among them: those can have another id than they had, as after a restart. */
  readonly prepared: boolean;
}

/**
 * An INSERT locks its table before it draws a number, and the lock is let go only after the transaction's rows can be
 * seen. So whoever drew a number and has not ended stands in the list of locks: the writers of this table and nobody
 * else, whatever runs in other tables and databases of the cluster.
 */
export function writersStatement({ event }: Tables): string {
  return (
    `SELECT virtualtransaction AS id, pid IS NULL AS prepared FROM pg_locks ` +
    `WHERE locktype = 'relation' AND relation = '${event}'::regclass AND granted ` +
    `AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ` +
    `AND mode = 'RowExclusiveLock'`
  );
}

/** True when none of `ones` is among `others`, who were looked up later. */
export function haveEnded(ones: Writers, others: Writers): boolean {
  return !others.prepared && [...ones.ids].every((id) => !others.ids.has(id));
}

export function writersOf(rows: readonly Row[]): Writers {
  return {
    ids: new Set(rows.map((row) => String(row["id"]))),
    prepared: rows.some((row) => row["prepared"] === true),
  };
}
