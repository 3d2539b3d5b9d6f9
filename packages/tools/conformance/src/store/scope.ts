import type { PageBounds, RelayLease, SealedEvent, Store, StoredEvent } from "@postrider/core";
import { randomUUID } from "node:crypto";
import type { CaseScope } from "../case/bounded.ts";
import type { Case } from "../case/case.ts";
import { claim } from "../case/claim.ts";
import type { StoreDatabase, StoreHarness } from "../harness.ts";
import { sealed } from "./event.ts";

/** What a case about a store works with: one empty database of its own, dropped with the case. */
export interface StoreScope<Tx> extends CaseScope {
  readonly transactions: "concurrent" | "serial";
  readonly database: StoreDatabase<Tx>;
  /** The first store on the database. */
  readonly store: Store<Tx>;
  /** 1 is full size. */
  readonly load: number;
  /** A further store on the same database, as another process would have one. */
  open(): Promise<Store<Tx>>;
  /** Appends in a transaction of its own, which commits. */
  commit(events: readonly SealedEvent[]): Promise<void>;
  /** A lease on the relay of `store`, long enough for the case. */
  lease(store?: Store<Tx>): Promise<RelayLease>;
  /** What is read now, in order, at most so many rows, however large. */
  read(lease: RelayLease, maxRows?: number): Promise<readonly StoredEvent[]>;
  /** Runs a transaction that stays open until `end` says how it ends. */
  openTransaction(work: (tx: Tx) => Promise<void>): Promise<OpenTransaction>;
  /** Runs `work` in a savepoint that is gone back to; for cases that say so in `lacks`. */
  savepoint(tx: Tx, work: () => Promise<void>): Promise<void>;
  outsideTransaction(): Promise<Tx>;
  restart(): Promise<void>;
}

export interface OpenTransaction {
  /** Ends it; resolves when it has ended, also when that is a rollback. */
  end(how: "commit" | "rollback"): Promise<void>;
}

/** A case for any store: it may not know what a transaction handle looks like. */
export interface StoreCase extends Omit<Case<StoreNeeds, never>, "body"> {
  readonly body: <Tx>(scope: StoreScope<Tx>) => Promise<void>;
}

/** What of a harness decides which cases there are. */
export interface StoreNeeds {
  readonly transactions: "concurrent" | "serial";
  readonly savepoint?: unknown;
  readonly outsideTransaction?: unknown;
  readonly restart?: unknown;
}

/** A page of so many rows, however large they are. */
export function pageOf(maxRows: number): PageBounds {
  return { maxRows, maxBytes: Number.MAX_SAFE_INTEGER };
}

export async function createStoreScope<Tx, Database extends StoreDatabase<Tx>>(
  base: CaseScope,
  harness: StoreHarness<Tx, Database>,
  load: number,
): Promise<StoreScope<Tx>> {
  const database = await base.wait("an empty database", harness.create());
  base.defer("dropping a database", () => database.drop());
  const open = async (): Promise<Store<Tx>> => {
    const store = await base.wait("a store to open", database.open());
    base.defer("closing a store", () => store.close());
    return store;
  };
  const store = await open();
  return {
    ...base,
    transactions: harness.transactions,
    database,
    store,
    load,
    open,
    commit: (events) =>
      base.wait(
        "an append to commit",
        store.transaction(async (tx) => void (await store.outbox.append(tx, events))),
      ),
    lease: async (of = store) => {
      const lease = await base.wait("the lease", of.relay.acquire(randomUUID(), 60_000));
      claim(lease, "acquire: nobody holds the lease, and yet it was not given");
      base.defer("releasing a lease", () => of.relay.release(lease));
      return lease;
    },
    read: (lease, maxRows = 1_000) => base.wait("a read", store.relay.read(lease, pageOf(maxRows))),
    openTransaction: (work) => openTransaction(base, store, work),
    savepoint: async (tx, work) => harness.savepoint?.(tx, work),
    outsideTransaction: async () => {
      claim(harness.outsideTransaction, "outsideTransaction");
      return harness.outsideTransaction(database);
    },
    restart: async () => harness.restart?.(database),
  };
}

async function openTransaction<Tx>(
  base: CaseScope,
  store: Store<Tx>,
  work: (tx: Tx) => Promise<void>,
): Promise<OpenTransaction> {
  const rollback = new Error("rolled back by the case");
  let finish: (how: "commit" | "rollback") => void = () => undefined;
  const ending = new Promise<"commit" | "rollback">((resolve) => {
    finish = resolve;
  });
  let begun: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const transaction = store.transaction(async (tx) => {
    await work(tx);
    begun();
    if ((await ending) === "rollback") throw rollback;
  });
  const ended = transaction.catch((error: unknown) => {
    if (error !== rollback) throw error;
  });
  // A case that fails half way must not leave the transaction open.
  base.defer("ending a transaction", async () => {
    finish("rollback");
    // How its work failed is the case's to tell.
    await ended.catch(() => undefined);
  });
  await base.wait("a transaction to do its work", Promise.race([ready, ended]));
  return {
    end: async (how) => {
      finish(how);
      await base.wait(`a transaction to end with ${how}`, ended);
    },
  };
}

/** `count` sealed events, told apart by id. */
export function sealedRun(count: number, parts: Parameters<typeof sealed>[0] = {}): readonly SealedEvent[] {
  return Array.from({ length: count }, () => sealed(parts));
}

export const idsOf = (events: readonly { readonly id: string }[]): readonly string[] =>
  events.map((one) => one.id);

/** Why a case that needs this hook cannot be run; undefined when it can. */
export const lacksHook =
  (hook: "savepoint" | "outsideTransaction" | "restart") =>
  (harness: StoreNeeds): string | undefined =>
    harness[hook] === undefined ? `the harness gives no ${hook}` : undefined;

export const lacksConcurrency = (harness: StoreNeeds): string | undefined =>
  harness.transactions === "serial"
    ? "only one transaction can be open at a time (transactions is serial)"
    : undefined;
