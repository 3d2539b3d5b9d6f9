import type { InboxStore, OutboxStore, RelayStore, Store } from "@postrider/core";

/** A store with one fault, which shows the suites at work. */
export interface BrokenStore {
  /** What it is called in the tests of the suites. */
  readonly name: string;
  /** What it does wrong, in a sentence. */
  readonly fault: string;
  /** The same store with the fault. The one given is not changed. */
  readonly breaks: <Tx>(inner: Store<Tx>) => Store<Tx>;
}

/** The calls that a fault may stand in the way of. */
export interface StoreFaults<Tx> {
  readonly outbox?: Partial<OutboxStore<Tx>> | undefined;
  readonly inbox?: Partial<InboxStore<Tx>> | undefined;
  readonly relay?: Partial<RelayStore> | undefined;
  readonly transaction?: Store<Tx>["transaction"] | undefined;
}

/** `inner`, with some of its calls replaced. */
export function overStore<Tx>(inner: Store<Tx>, faults: StoreFaults<Tx>): Store<Tx> {
  return {
    dialect: inner.dialect,
    outbox: overOutbox(inner.outbox, faults.outbox ?? {}),
    inbox: overInbox(inner.inbox, faults.inbox ?? {}),
    relay: overRelay(inner.relay, faults.relay ?? {}),
    assertSchema: () => inner.assertSchema(),
    ping: () => inner.ping(),
    close: () => inner.close(),
    transaction: faults.transaction ?? ((work, options) => inner.transaction(work, options)),
    enlist: (tx) => inner.enlist(tx),
    isRetryable: (error) => inner.isRetryable?.(error) ?? false,
    isUnavailable: (error) => inner.isUnavailable?.(error) ?? false,
  };
}

function overOutbox<Tx>(inner: OutboxStore<Tx>, faults: Partial<OutboxStore<Tx>>): OutboxStore<Tx> {
  return {
    append: faults.append ?? ((tx, events) => inner.append(tx, events)),
    signal: faults.signal ?? (() => inner.signal()),
    onSignal: faults.onSignal ?? ((listener) => inner.onSignal(listener)),
  };
}

function overInbox<Tx>(inner: InboxStore<Tx>, faults: Partial<InboxStore<Tx>>): InboxStore<Tx> {
  return {
    register: faults.register ?? ((tx, consumer, ids) => inner.register(tx, consumer, ids)),
    unregister: faults.unregister ?? ((tx, consumer, ids) => inner.unregister(tx, consumer, ids)),
    prune: faults.prune ?? ((options) => inner.prune(options)),
  };
}

function overRelay(inner: RelayStore, faults: Partial<RelayStore>): RelayStore {
  return {
    acquire: (owner, leaseMs) => inner.acquire(owner, leaseMs),
    renew: (lease, leaseMs) => inner.renew(lease, leaseMs),
    release: (lease) => inner.release(lease),
    read: (lease, bounds) => inner.read(lease, bounds),
    confirm: (lease, events) => inner.confirm(lease, events),
    park: (lease, requests) => inner.park(lease, requests),
    heldKeys: (lease) => inner.heldKeys(lease),
    due: (lease, bounds) => inner.due(lease, bounds),
    settleParked: (lease, settlements) => inner.settleParked(lease, settlements),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    archived: (query) => inner.archived(query),
    pruneArchive: (maxRows) => inner.pruneArchive(maxRows),
    status: () => inner.status(),
    parked: (query) => inner.parked(query),
    retryParked: (positions) => inner.retryParked(positions),
    discardParked: (positions) => inner.discardParked(positions),
    ...faults,
  };
}
