import { systemClock } from "../../clock.ts";
import type { Clock } from "../../contracts/clock.ts";
import type { DomainJournal, JournalEntry } from "../../contracts/journal.ts";
import type { StoredEvent } from "../../contracts/outbox.ts";
import type { Store } from "../../contracts/store.ts";
import type { TransactionOptions } from "../../contracts/transaction.ts";
import { OptionsError } from "../../errors.ts";
import { isOptions, problemsOfOptions, type OptionNames } from "../../options/names.ts";
import { problemsOfParts } from "../../options/parts.ts";
import { isRetryable, noSqlError } from "./errors.ts";
import { createMarks } from "./inbox/marks.ts";
import { prune } from "./inbox/prune.ts";
import { register, unregister } from "./inbox/register.ts";
import { createLocks } from "./locks.ts";
import { createOrderedRows } from "./ordered-rows.ts";
import { createAppend } from "./outbox/append.ts";
import { createWake } from "./outbox/wake.ts";
import { createArchive } from "./relay/archive.ts";
import { createLeases } from "./relay/leases.ts";
import { createParked } from "./relay/parked.ts";
import { createRelayStore } from "./relay/relay-store.ts";
import { createTables } from "./tables.ts";
import { beginTransaction, createOpenTransactions, valuesOf, type MemoryTx } from "./transaction.ts";

/** What a store in memory is made with. */
export interface MemoryStoreOptions {
  /**
   * How long published events are kept for people who look, in milliseconds, from 60,000; `Infinity` for ever. Default
   * 0: what was published is gone.
   */
  readonly archiveRetentionMs?: number | undefined;
  /** Leases, times of rows and the age of marks go by this clock. Default: the system's. */
  readonly clock?: Clock | undefined;
}

const names: OptionNames<MemoryStoreOptions> = { archiveRetentionMs: true, clock: true };

/** Outbox, inbox, relay store and tables of the user in this process, with real transactions. */
export interface MemoryStore extends Store<MemoryTx> {
  readonly dialect: "memory";
  readonly journal: DomainJournal<MemoryTx>;
  /** The committed rows of a table by key. */
  rows(table: string): ReadonlyMap<string, unknown>;
  /** The committed domain events of units of work with `journal: true`, in the order of commit. */
  journaled(): readonly JournalEntry[];
  /** Forgets everything. Transactions that are open cannot commit any more. */
  clear(): void;
}

/**
 * A store in this process: it outlives the messagings that use it, and nothing of it outlives the process.
 * Isolation is `read committed`; at a higher level a transaction fails at its commit, `isRetryable`, when what it has
 * read was changed meanwhile. Changing a row waits for the transaction that changed it; a deadlock is `isRetryable`.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const problems = [
    ...problemsOfOptions(options, names),
    ...problemsOfParts(isOptions(options) ? options : {}),
    ...problemsOfRetention(options),
  ];
  if (problems.length > 0) throw new OptionsError("memoryStore", problems);
  const { clock = systemClock, archiveRetentionMs = 0 } = options;
  const parts = createParts(clock, archiveRetentionMs);
  const { tables, outbox, marks, parked, leases, archive, open, wake } = parts;
  const append = createAppend(clock);

  return {
    dialect: "memory",
    transaction: (work, transactionOptions = {}) => runTransaction(parts, clock, work, transactionOptions),
    enlist: () => {
      throw noSqlError();
    },
    isRetryable,
    outbox: {
      append: async (tx, events) => append(open.of(tx), events),
      signal: wake.signal,
      onSignal: wake.onSignal,
    },
    inbox: {
      register: async (tx, consumer, messageIds) => register(marks, open.of(tx), consumer, messageIds),
      unregister: async (tx, consumer, messageIds) => unregister(open.of(tx), consumer, messageIds),
      prune: (pruneOptions) => prune(marks, clock, pruneOptions),
    },
    journal: {
      append: async (tx, entries) =>
        void open
          .of(tx)
          .frame()
          .journal.push(...structuredClone(entries)),
    },
    journaled: () => structuredClone(parts.journal),
    relay: createRelayStore(outbox, parked, leases, archive, clock),
    rows: (table) => valuesOf(tables.rows(table)),
    clear: () => {
      parts.eras += 1;
      parts.journal.length = 0;
      for (const part of [tables, outbox, marks, parked, leases, archive]) part.clear();
    },
    assertSchema: () => Promise.resolve(),
    ping: () => Promise.resolve(),
    // Nothing was opened. What is stored stays, as it does in a database.
    close: () => Promise.resolve(),
  };
}

type Parts = ReturnType<typeof createParts>;

function problemsOfRetention(options: MemoryStoreOptions): string[] {
  const { archiveRetentionMs = 0 } = isOptions(options) ? options : {};
  return archiveRetentionMs === 0 || archiveRetentionMs >= 60_000
    ? []
    : ["archiveRetentionMs: must be 0, or from 60,000 milliseconds, or Infinity"];
}

function createParts(clock: Clock, archiveRetentionMs: number) {
  return {
    tables: createTables(),
    locks: createLocks(),
    outbox: createOrderedRows<StoredEvent>(),
    marks: createMarks(),
    parked: createParked(clock),
    leases: createLeases(clock),
    journal: new Array<JournalEntry>(),
    archive: createArchive(clock, archiveRetentionMs),
    open: createOpenTransactions(),
    wake: createWake(),
    /** How often the store was cleared. */
    eras: 0,
  };
}

async function runTransaction<R>(
  parts: Parts,
  clock: Clock,
  work: (tx: MemoryTx) => Promise<R>,
  options: TransactionOptions,
): Promise<R> {
  const { tables, locks, outbox, marks, open, wake } = parts;
  const transaction = beginTransaction({ tables, locks, era: () => parts.eras }, options);
  open.add(transaction);
  const commit = (): boolean => {
    const { changes, marks: marked, events, journal } = transaction.prepare();
    tables.apply(changes);
    marks.apply(marked, clock.now());
    for (const event of events) outbox.add(event);
    for (const entry of journal) parts.journal.push(entry);
    return events.length > 0;
  };
  try {
    const result = await work(transaction.handle);
    const hasEvents = commit();
    transaction.end();
    if (hasEvents) wake.signal();
    return result;
  } finally {
    transaction.end();
  }
}
