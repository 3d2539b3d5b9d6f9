import type { PgTxLike } from "./from-pg.ts";

/** What a pool of `pg` hands out. */
export interface PgClientLike extends PgTxLike {
  release(error?: Error | boolean): void;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * A `Pool` of `pg`. Both signatures of `connect`, in their order: inference pairs overloads from the last one
 * backwards, and would find no client with one alone.
 */
export interface PgPoolLike<Client> {
  connect(): Promise<Client>;
  connect(callback: never): void;
  readonly totalCount: number;
}
