import type { SqlTx } from "./transaction.ts";

/** One domain event as the journal keeps it: what happened, in which unit of work, caused by what, on whose behalf. */
export interface JournalEntry {
  /** Of the unit of work that committed it, a UUIDv7. */
  readonly unitId: string;
  /** From 1, in the order of recording inside the unit. */
  readonly place: number;
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly data: string;
  /** RFC 3339. */
  readonly occurredAt: string;
  /** 1 for what the work recorded, and one more for what each handler records. */
  readonly depth: number;
  /** The id of the domain event whose handler recorded it. */
  readonly causedBy: string | undefined;
  readonly correlationId: string;
  /** The id of the message that was being handled. */
  readonly causationId: string | undefined;
  readonly actor: string | undefined;
  readonly tenant: string | undefined;
}

/** Keeps the domain events of a unit of work beside its changes: an audit trail, read with the database's own means. */
export interface DomainJournal<Tx> {
  /** Writes all entries in one statement, through the transaction given. */
  append(tx: Tx | SqlTx, entries: readonly JournalEntry[]): void | Promise<void>;
}
