/** A connection of the test's own to PostgreSQL, which stays open as long as the gate. */
export interface GateConnection {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Where statements of other sessions wait. */
export interface StatementGate {
  /** From now on statements wait, each in the middle of its transaction. */
  shut(): Promise<void>;
  /** How many wait now. */
  waiting(): Promise<number>;
  open(): Promise<void>;
}

/** `commit` lets the insert pass and stops the COMMIT of its transaction. */
export type GatedMoment = "insert" | "delete" | "commit";

/**
 * A gate on a table: a trigger that waits on an advisory lock freezes any statement, at the server, whoever sent it and
 * whatever becomes of him. The trigger goes away with its table.
 *
 * @param table - quoted, with its schema
 */
export async function statementGate(
  connection: GateConnection,
  table: string,
  moment: GatedMoment,
): Promise<StatementGate> {
  const lock = `hashtextextended('${table}/${moment}', 0)`;
  const name = `${table.slice(0, -1)}_gate_${moment}"`;
  await connection.query(`
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(${lock});
      RETURN ${moment === "delete" ? "OLD" : "NEW"};
    END $$;
    ${triggerOf(table, moment)} FOR EACH ROW EXECUTE FUNCTION ${name}()`);
  return {
    shut: async () => void (await connection.query(`SELECT pg_advisory_lock(${lock})`)),
    open: async () => void (await connection.query(`SELECT pg_advisory_unlock(${lock})`)),
    waiting: async () => {
      const { rows } = await connection.query(
        `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1
         AND (classid::bigint << 32 | objid::bigint) = ${lock}`,
      );
      return rows.length;
    },
  };
}

function triggerOf(table: string, moment: GatedMoment): string {
  return moment === "commit"
    ? `CREATE CONSTRAINT TRIGGER gate_commit AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED`
    : `CREATE TRIGGER gate_${moment} BEFORE ${moment} ON ${table}`;
}
