import type { Clock, OutboxStore, RelayLease, RelayStore } from "@postrider/core";
import { sqlStateOf } from "@postrider/core/sql";
import type { Connection } from "../connection/connection.ts";
import { storeError } from "../errors.ts";
import { acquire } from "../lease/acquire.ts";
import { release } from "../lease/release.ts";
import { renew } from "../lease/renew.ts";
import type { Tables } from "../schema/tables.ts";
import type { Transactions } from "../transaction.ts";
import { append, appendStatements } from "./append.ts";
import { archived, pruneArchive } from "./archive.ts";
import { confirm, confirmStatements } from "./confirm.ts";
import { discardParked } from "./discard-parked.ts";
import { due } from "./due.ts";
import { heldKeys } from "./held-keys.ts";
import { createMark, type Mark } from "./mark.ts";
import { park } from "./park.ts";
import { parked } from "./parked.ts";
import { pause, resume } from "./pause.ts";
import { read, readStatements } from "./read.ts";
import { retryParked } from "./retry-parked.ts";
import { settleParked } from "./settle-parked.ts";
import { status } from "./status.ts";
import type { Wake } from "./wake.ts";

/** The write side. Nothing of it runs outside the transaction that it is given. */
export function createOutbox<Tx>(
  tables: Tables,
  transactions: Transactions<Tx>,
  wake: Wake,
): OutboxStore<Tx> {
  const write = appendStatements(tables);

  return {
    append: async (tx, events) => {
      if (events.length === 0) return;
      const sql = transactions.writable(tx);
      await named("append events", append(sql, write, events));
      // The end of our own transactions is told by `transaction`; of the user's nobody tells.
      if (!transactions.isOurs(tx)) wake.soon();
    },
    signal: wake.signal,
    onSignal: wake.onSignal,
  };
}

const statementCancelled = "57014";

export interface RelaySettings {
  readonly clock: Clock;
  /** How often a read begins at 0 whatever the mark says. */
  readonly fullReadEveryMs: number;
  /** How long published events are kept; 0 for not at all. */
  readonly archiveRetentionMs?: number | undefined;
  /** For tests: where the id comes from by which the mark moves. A wrong one must lose rows. */
  readonly markId?: string | undefined;
}

/** The read side, for the one relay that holds the lease. */
export function createRelayStore(
  connection: Connection,
  tables: Tables,
  settings: RelaySettings,
): RelayStore {
  const marks = createMarks(settings);
  const reading = readStatements(tables);
  const { archiveRetentionMs = 0 } = settings;
  const archive = archiveRetentionMs > 0 ? "kept" : "none";
  const confirming = confirmStatements(tables, settings.markId, archive);
  const once: Connection["transaction"] = (work) => connection.transaction(work);

  return {
    acquire: (owner, leaseMs) =>
      named(
        "acquire the lease",
        once((run) => acquire(run, tables, owner, leaseMs)),
      ),
    renew: (lease, leaseMs) =>
      named(
        "renew the lease",
        once((run) => renew(run, tables, lease, leaseMs)),
      ),
    release: async (lease) => {
      marks.forget(lease);
      await named(
        "release the lease",
        once((run) => release(run, tables, lease)),
      );
    },
    read: async (lease, bounds) => {
      const mark = marks.of(lease);
      try {
        return await read(connection, reading, mark, bounds);
      } catch (error) {
        // Of a server that answered that it took too long, all is still true: and the mark keeps the next read short.
        if (sqlStateOf(error) !== statementCancelled) mark.reset();
        throw storeError(error, "read events");
      }
    },
    confirm: (lease, events) =>
      named("confirm events", confirm(connection, confirming, marks.known(lease), events)),
    park: (lease, requests) =>
      named("park events", park(connection, tables, marks.known(lease), lease, requests)),
    heldKeys: () => named("read held keys", heldKeys(connection, tables)),
    due: (_lease, bounds) => named("read due events", due(connection, tables, bounds)),
    settleParked: (lease, settlements) =>
      named("settle parked events", settleParked(connection, tables, lease, settlements, archive)),
    pause: () =>
      named(
        "pause the outbox",
        once((run) => pause(run, tables)),
      ),
    resume: () =>
      named(
        "resume the outbox",
        once((run) => resume(run, tables)),
      ),
    archived: (query) =>
      named(
        "read archived events",
        once((run) => archived(run, tables, query)),
      ),
    pruneArchive: async (maxRows) =>
      archive === "none"
        ? 0
        : named("prune the archive", pruneArchive(connection, tables, archiveRetentionMs, maxRows)),
    status: () => named("read the status", status(connection, tables)),
    parked: (query) =>
      named(
        "read parked events",
        once((run) => parked(run, tables, query)),
      ),
    retryParked: (positions) => named("retry parked events", retryParked(connection, tables, positions)),
    discardParked: (positions) =>
      named("discard parked events", discardParked(connection, tables, positions)),
  };
}

/** The mark of the lease that was last read under: a new one at each take-over. */
interface Marks {
  of(lease: RelayLease): Mark;
  known(lease: RelayLease): Mark | undefined;
  forget(lease: RelayLease): void;
}

function createMarks(settings: RelaySettings): Marks {
  let last: { readonly epoch: number; readonly mark: Mark } | undefined;
  const known = ({ epoch }: RelayLease): Mark | undefined => (last?.epoch === epoch ? last.mark : undefined);
  return {
    known,
    of: (lease) => {
      const mark = known(lease) ?? createMark(settings.clock, settings.fullReadEveryMs);
      last = { epoch: lease.epoch, mark };
      return mark;
    },
    forget: (lease) => {
      if (last?.epoch === lease.epoch) last = undefined;
    },
  };
}

async function named<R>(doing: string, promise: Promise<R>): Promise<R> {
  try {
    return await promise;
  } catch (error) {
    throw storeError(error, doing);
  }
}
