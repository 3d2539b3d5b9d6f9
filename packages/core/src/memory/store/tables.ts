/** A committed value. The box is new with every change, so that it also tells versions apart. */
export interface Row {
  readonly value: unknown;
}
/** Changed rows of all tables: `undefined` for a deleted one. */
export type Changes = Map<string, Map<string, Row | undefined>>;

/** What has been committed. */
export interface Tables {
  row(table: string, key: string): Row | undefined;
  rows(table: string): ReadonlyMap<string, Row>;
  /** Grows with each change of the table. */
  version(table: string): number;
  apply(changes: Changes): void;
  clear(): void;
}

export function createTables(): Tables {
  const tables = new Map<string, Map<string, Row>>();
  const versions = new Map<string, number>();
  const version = (table: string): number => versions.get(table) ?? 0;

  return {
    row: (table, key) => tables.get(table)?.get(key),
    rows: (table) => tables.get(table) ?? new Map(),
    version,
    apply: (changes) => {
      for (const [table, changed] of changes) {
        const rows = tables.get(table) ?? new Map<string, Row>();
        for (const [key, row] of changed) {
          if (row === undefined) rows.delete(key);
          else rows.set(key, row);
        }
        tables.set(table, rows);
        versions.set(table, version(table) + 1);
      }
    },
    clear: () => {
      for (const table of tables.keys()) versions.set(table, version(table) + 1);
      tables.clear();
    },
  };
}
