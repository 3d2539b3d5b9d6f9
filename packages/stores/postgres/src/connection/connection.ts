/** How the store speaks to the database for itself, apart from the transactions of the user. */
export interface Connection {
  /**
   * Statements in one message: one round trip and one transaction, which ends with it whatever happens. Works through
   * a pooler in transaction mode. Text without parameters only; gives the rows of each statement.
   */
  script(statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** Commits when `work` resolves. `timeoutMs` bounds each statement and the wait for its answer. */
  transaction<R>(work: (run: Run) => Promise<R>, timeoutMs?: number): Promise<R>;
  /** `serial` where a transaction inside another would wait for itself. */
  readonly transactions: "serial" | "concurrent";
  /** How many connections the pool may open; undefined when it does not say, or there is none. */
  readonly poolSize: number | undefined;
  /** How many callers wait for a connection; undefined when the pool does not say, or there is none. */
  poolWaiting(): number | undefined;
}

export type Row = Readonly<Record<string, unknown>>;
export type Run = (text: string, values?: readonly unknown[]) => Promise<RunResult>;

export interface RunResult {
  readonly rows: readonly Row[];
  readonly affected: number;
}
