import type { SealedEvent } from "./sealed-event.ts";
import type { SqlTx } from "./transaction.ts";

/** Where an event stands in its outbox. Opaque outside the store; ordered inside one shard. */
export type Position = string;

/** A sealed event in an outbox: with its place and its age. */
export interface StoredEvent extends SealedEvent {
  /** Its row, and its place in the order of the outbox. */
  readonly position: Position;
  /** When the row was written, milliseconds since the epoch by the database's clock: for the lag. */
  readonly storedAtMs: number;
}

/** The write side of an outbox. */
export interface OutboxStore<Tx> {
  /**
   * - append writes all events in one statement, whatever their number, in the order given.
   * - events of a committed transaction are read, those of one rolled back never are.
   * Writes through the transaction given and nothing else; fails with STORE_OUTSIDE_TRANSACTION when there is
   * certainly none. Returns nothing to await when the transaction is a synchronous one.
   */
  append(tx: Tx | SqlTx, events: readonly SealedEvent[]): void | Promise<void>;
  /** A hint that rows may have been committed: cheap, never throws, safe to call at any time. */
  signal(): void;
  /** Calls `listener` on each hint, also on those of other processes where the store hears them. Returns the end. */
  onSignal(listener: () => void): () => void;
}
