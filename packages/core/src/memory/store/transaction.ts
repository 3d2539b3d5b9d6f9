import type { SqlTx, TransactionOptions } from "../../contracts/transaction.ts";
import { OutsideTransactionError, toError, TransactionClosedError } from "../../errors.ts";
import { clearedError, noSqlError, overlappingSavepointsError, serializationError } from "./errors.ts";
import { createFrame, merge, write, type Frame } from "./frame.ts";
import type { Locks } from "./locks.ts";
import type { Row, Tables } from "./tables.ts";

/**
 * The handle of one transaction. Writes are seen by this transaction at once, by others after its commit.
 * Changing a row locks it: another transaction that changes it waits until this one has ended.
 * Values are copied on their way in and out. Calls of one transaction may overlap, savepoints may not.
 */
export interface MemoryTx {
  /** The value of a row, of this transaction's own writes or else committed; `undefined` for no row. */
  get(table: string, key: string): Promise<unknown>;
  /** All rows of a table by key: the committed ones, with this transaction's own writes. */
  rows(table: string): Promise<ReadonlyMap<string, unknown>>;
  /** Inserts or replaces a row. */
  put(table: string, key: string, value: unknown): Promise<void>;
  /** True when there was such a row. */
  delete(table: string, key: string): Promise<boolean>;
  /** Runs `work`; when it rejects, everything written meanwhile is undone, outbox and inbox included, and it rejects. */
  savepoint<R>(work: () => Promise<R>): Promise<R>;
}

/** The other side of a handle: what outbox and inbox write through. */
export interface Transaction {
  readonly handle: MemoryTx;
  /** The innermost savepoint. @throws TransactionClosedError after the end. */
  frame(): Frame;
  /** Outermost first. */
  frames(): readonly Frame[];
  lock(name: string): Promise<void>;
  /** What to apply. @throws when it cannot commit. */
  prepare(): Frame;
  end(): void;
}

export interface TransactionParts {
  readonly tables: Tables;
  readonly locks: Locks;
  /** Differs after the store was cleared. */
  readonly era: () => number;
}

export function beginTransaction(parts: TransactionParts, options: TransactionOptions): Transaction {
  const { tables, locks } = parts;
  const owner = {};
  const era = parts.era();
  const frames: Frame[] = [createFrame()];
  const reads = createReads(tables, options);
  let open = true;
  let fault: Error | undefined;

  const frame = (): Frame => {
    const innermost = frames.at(-1);
    if (!open || innermost === undefined) throw new TransactionClosedError();
    if (fault !== undefined) throw fault;
    return innermost;
  };
  // As in a database, a transaction that was refused a lock is over: what it holds is in others' way.
  const lock = async (name: string): Promise<void> => {
    frame();
    try {
      await locks.acquire(owner, name);
    } catch (error) {
      fault ??= toError(error);
      throw error;
    }
    frame();
  };
  const lockRow = (table: string, key: string): Promise<void> => lock(`row ${JSON.stringify([table, key])}`);

  const find = (table: string, key: string): Row | undefined => {
    const writer = frames.findLast((each) => each.changes.get(table)?.has(key) === true);
    return writer === undefined ? reads.row(table, key) : writer.changes.get(table)?.get(key);
  };

  const inside = async <R>(inner: Frame, work: () => Promise<R>): Promise<R> => {
    try {
      return await work();
    } finally {
      if (frames.at(-1) !== inner) fault ??= overlappingSavepointsError();
      frames.splice(frames.indexOf(inner), 1);
    }
  };

  const handle: MemoryTx = {
    get: async (table, key) => {
      frame();
      return structuredClone(find(table, key)?.value);
    },
    rows: async (table) => {
      frame();
      const rows = new Map(reads.rows(table));
      for (const each of frames) {
        for (const [key, row] of each.changes.get(table) ?? []) {
          if (row === undefined) rows.delete(key);
          else rows.set(key, row);
        }
      }
      return valuesOf(rows);
    },
    put: async (table, key, value) => {
      const row = { value: structuredClone(value) };
      await lockRow(table, key);
      write(frame(), table, key, row);
    },
    delete: async (table, key) => {
      await lockRow(table, key);
      const existed = find(table, key) !== undefined;
      write(frame(), table, key, undefined);
      return existed;
    },
    savepoint: async (work) => {
      const outer = frame();
      const inner = createFrame();
      frames.push(inner);
      const result = await inside(inner, work);
      frame();
      merge(outer, inner);
      return result;
    },
  };

  return {
    handle,
    frame,
    frames: () => frames,
    lock,
    prepare: () => {
      const whole = frame();
      if (frames.length > 1) throw overlappingSavepointsError();
      if (era !== parts.era()) throw clearedError();
      if (!reads.hold()) throw serializationError();
      return whole;
    },
    end: () => {
      open = false;
      locks.releaseAll(owner);
    },
  };
}

/** Copies, by key. */
export function valuesOf(rows: ReadonlyMap<string, Row>): ReadonlyMap<string, unknown> {
  return new Map([...rows].map(([key, { value }]) => [key, structuredClone(value)]));
}

/**
 * What a transaction has read of the committed data. Above `read committed` all of it must be unchanged at commit:
 * then the transaction might as well have run at that one moment.
 */
function createReads(tables: Tables, { isolation = "read committed" }: TransactionOptions) {
  const rowsRead: (() => boolean)[] = [];
  const remember = (unchanged: () => boolean): void => {
    if (isolation !== "read committed") rowsRead.push(unchanged);
  };
  return {
    row: (table: string, key: string): Row | undefined => {
      const row = tables.row(table, key);
      remember(() => tables.row(table, key) === row);
      return row;
    },
    rows: (table: string): ReadonlyMap<string, Row> => {
      const version = tables.version(table);
      remember(() => tables.version(table) === version);
      return tables.rows(table);
    },
    hold: (): boolean => rowsRead.every((unchanged) => unchanged()),
  };
}

/** Finds the transaction of a handle. */
export interface OpenTransactions {
  add(transaction: Transaction): void;
  /** @throws MessagingError USAGE_WRONG_KIND for SQL, STORE_OUTSIDE_TRANSACTION for anything else that is not ours. */
  of(tx: MemoryTx | SqlTx): Transaction;
}

export function createOpenTransactions(): OpenTransactions {
  const byHandle = new WeakMap<object, Transaction>();
  return {
    add: (transaction) => void byHandle.set(transaction.handle, transaction),
    of: (tx) => {
      if (typeof tx !== "object" || tx === null) throw new OutsideTransactionError({ given: typeof tx });
      if ("execute" in tx) throw noSqlError();
      const transaction = byHandle.get(tx);
      if (transaction === undefined)
        throw new OutsideTransactionError({ given: "no transaction of this memory store" });
      transaction.frame();
      return transaction;
    },
  };
}
