import type { SqlTx } from "./transaction.ts";

/** Remembers which messages a consumer has worked on, in the transaction that holds the work. */
export interface InboxStore<Tx> {
  /**
   * The message ids (`source#id`) of those given that this consumer has not worked on; they are marked with this
   * transaction. An id given twice counts once.
   * - a mark commits and rolls back with the transaction.
   * - of two transactions that mark one id at the same time the second waits for the first: committed, it is a
   *   duplicate; rolled back, it runs.
   */
  register(tx: Tx | SqlTx, consumer: string, messageIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Takes marks of this very transaction back, for messages that were taken out of a batch. */
  unregister(tx: Tx | SqlTx, consumer: string, messageIds: readonly string[]): Promise<void>;
  /**
   * Forgets marks older than `olderThanMs`, in bounded statements. Returns how many.
   * - prune forgets at most as many marks as asked for.
   */
  prune(options: PruneOptions): Promise<number>;
}

/** Which marks to forget, and in what portions. */
export interface PruneOptions {
  /**
   * Marks older than this are forgotten, in milliseconds from 0, by the store's clock. Stay above the longest
   * time after which a broker delivers again.
   */
  readonly olderThanMs: number;
  /** Rows per statement. Default 5,000. */
  readonly batchSize?: number | undefined;
  /** Rows in all. Default: no bound. */
  readonly maxRows?: number | undefined;
  /** Ends it between two portions; what was forgotten stays forgotten. */
  readonly signal?: AbortSignal | undefined;
}
