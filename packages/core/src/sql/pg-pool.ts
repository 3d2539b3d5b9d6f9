import type { PgTxLike } from "./from-pg.ts";

/** What a pool of `pg` hands out. */
export interface PgClientLike extends PgTxLike {
  /** Gives the client back to its pool; with an error or true it is destroyed. */
  release(error?: Error | boolean): void;
  /** Hears of a connection that breaks. */
  on?(event: "error", listener: (error: Error) => void): unknown;
  /** Takes the listener back. */
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * A `Pool` of `pg`. Both signatures of `connect`, in their order: inference pairs overloads from the last one
 * backwards, and would find no client with one alone.
 */
export interface PgPoolLike<Client> {
  /** A client of its own, until it is released. */
  connect(): Promise<Client>;
  /** The other form that `pg` has; not used. */
  connect(callback: never): void;
  /** Tells a pool from a client. */
  readonly totalCount: number;
}
