/** Rows by position, read in that order, whatever the order in which they came. */
export interface OrderedRows<Row> {
  readonly size: number;
  get(position: string): Row | undefined;
  add(row: Row): void;
  /** The row that was there. */
  remove(position: string): Row | undefined;
  inOrder(): Iterable<Row>;
  clear(): void;
}

/** Sorts only after a row that came late, so that rows in order cost a constant time each. */
export function createOrderedRows<Row extends { readonly position: string }>(): OrderedRows<Row> {
  let rows = new Map<string, Row>();
  let last = "";
  let sorted = true;

  return {
    get size() {
      return rows.size;
    },
    get: (position) => rows.get(position),
    add: (row) => {
      if (row.position < last) sorted = false;
      else last = row.position;
      rows.set(row.position, row);
    },
    remove: (position) => {
      const row = rows.get(position);
      rows.delete(position);
      return row;
    },
    inOrder: () => {
      if (!sorted) {
        rows = new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
        sorted = true;
      }
      return rows.values();
    },
    clear: () => rows.clear(),
  };
}
