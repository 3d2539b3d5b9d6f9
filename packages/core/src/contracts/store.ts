import type { InboxStore } from "./inbox.ts";
import type { DomainJournal } from "./journal.ts";
import type { OutboxStore } from "./outbox.ts";
import type { RelayStore } from "./relay-store.ts";
import type { Transactor } from "./transaction.ts";

/** Outbox, inbox and relay store on one database. `Tx` is what a handler gets as `tx`. */
export interface Store<Tx> extends Transactor<Tx> {
  readonly dialect: "postgres" | "mysql" | "sqlite" | "memory";
  /** The write side: events in the user's transaction. */
  readonly outbox: OutboxStore<Tx>;
  /** Marks of what was worked on, in the handler's transaction. */
  readonly inbox: InboxStore<Tx>;
  /** The read side, for the relay that leads. */
  readonly relay: RelayStore;
  /** Where units of work keep their domain events when asked to; undefined where the store keeps none. */
  readonly journal?: DomainJournal<Tx> | undefined;
  /** `serial` where there is one connection: a transaction inside another would wait for itself. Default `concurrent`. */
  readonly transactions?: "serial" | "concurrent" | undefined;
  /**
   * Resolves when the database can be reached and its schema is the one this version works with; fails with
   * STORE_UNAVAILABLE, STORE_ACCESS_REFUSED or STORE_SCHEMA_MISSING, which names the step to take.
   */
  assertSchema(): Promise<void>;
  /** Resolves when the database answers: one round trip, for checks of health. Fails with STORE_UNAVAILABLE. */
  ping(): Promise<void>;
  /** How many connections its pool may open; undefined where there is no pool, or it does not say. */
  readonly poolSize?: number | undefined;
  /** How many callers wait for a connection of the pool now; undefined where it does not say. Never throws. */
  poolWaiting?(): number | undefined;
  /** Closes what the store itself opened, and nothing that was given to it. Safe to call twice. */
  close(): Promise<void>;
}
/** The transaction type of a store; undefined for no store. */
export type TxOf<S> = S extends Transactor<infer Tx> ? Tx : undefined;
