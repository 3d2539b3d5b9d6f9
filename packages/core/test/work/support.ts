import { memoryStore, type MemoryStore, type MemoryTx, type SealedEvent } from "@postrider/core";
import {
  createRecorder,
  type DomainEvent,
  defineDomainEvent,
  type RecordsEvents,
} from "@postrider/core/domain";
import { place, serviceOn, type ServiceOptions } from "../support/services.ts";

/** Domain events that the tests of the unit of work record. `n` tells them apart. */
export type Ordered = DomainEvent<"ordered", { readonly n: number }>;
export const Ordered = defineDomainEvent<Ordered>("ordered");
export type Reserved = DomainEvent<"reserved", { readonly n: number }>;
export const Reserved = defineDomainEvent<Reserved>("reserved");
export type Billed = DomainEvent<"billed", { readonly n: number }>;
export const Billed = defineDomainEvent<Billed>("billed");

/** An aggregate with a row of its own. */
export interface Account extends RecordsEvents {
  readonly id: string;
  balance: number;
  change(by: number, ...events: readonly DomainEvent[]): void;
}

export function accountOf(id: string, balance = 0): Account {
  const recorder = createRecorder();
  const account: Account = {
    id,
    balance,
    change: (by, ...events) => {
      account.balance += by;
      recorder.record(...events);
    },
    takeRecorded: recorder.takeRecorded,
  };
  return account;
}

export function saveAccount(account: Account, tx: MemoryTx): Promise<void> {
  return tx.put("accounts", account.id, account.balance);
}

/** A service whose outbox is looked at, and never relayed. */
export async function keeping(options: Omit<ServiceOptions, "relay"> = {}) {
  const here = place();
  const memory = memoryStore({ clock: here.clock });
  /** What each commit appended: one list per statement. */
  const appended: (readonly SealedEvent[])[] = [];
  let transactions = 0;
  const store: MemoryStore = {
    ...memory,
    transaction: (work, how) => {
      transactions += 1;
      return memory.transaction(work, how);
    },
    outbox: {
      ...memory.outbox,
      append: (tx, events) => {
        appended.push(events);
        return memory.outbox.append(tx, events);
      },
    },
  };
  const messaging = await serviceOn(here, { ...options, store, relay: false });
  return { here, store, messaging, appended, transactions: () => transactions };
}
