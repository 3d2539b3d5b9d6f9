import { TransactionClosedError } from "../../errors.ts";
import { deadlockError } from "./errors.ts";

/** Exclusive locks by name, each held until its owner ends. Whoever comes second waits, in the order of coming. */
export interface Locks {
  /**
   * Resolves when the lock is the owner's; at once when it is already.
   * @throws MessagingError STORE_FAILED, `isRetryable`, when waiting would be for ever.
   */
  acquire(owner: object, name: string): Promise<void>;
  /** Gives back everything that the owner has, and ends its waiting. */
  releaseAll(owner: object): void;
}

interface Waiter {
  readonly owner: object;
  readonly grant: () => void;
  readonly refuse: (error: Error) => void;
}
interface Lock {
  readonly name: string;
  owner: object;
  waiters: Waiter[];
}

export function createLocks(): Locks {
  const locks = new Map<string, Lock>();
  const held = createIndex();
  const awaited = createIndex();

  const wouldDeadlock = (owner: object, lock: Lock): boolean => {
    const seen = new Set<object>();
    const next = inFront(lock);
    for (let other = next.pop(); other !== undefined; other = next.pop()) {
      if (other === owner) return true;
      if (seen.has(other)) continue;
      seen.add(other);
      for (const each of awaited.of(other)) next.push(...inFront(each, other));
    }
    return false;
  };

  const wait = (owner: object, lock: Lock): Promise<void> => {
    awaited.add(owner, lock);
    return new Promise((grant, refuse) => lock.waiters.push({ owner, grant, refuse }));
  };

  const handOver = (lock: Lock): void => {
    const owner = lock.waiters[0]?.owner;
    if (owner === undefined) {
      locks.delete(lock.name);
      return;
    }
    lock.owner = owner;
    held.add(owner, lock);
    awaited.remove(owner, lock);
    const granted = lock.waiters.filter((waiter) => waiter.owner === owner);
    lock.waiters = lock.waiters.filter((waiter) => waiter.owner !== owner);
    for (const { grant } of granted) grant();
  };

  return {
    acquire: async (owner, name) => {
      const lock = locks.get(name);
      if (lock === undefined) {
        const fresh = { name, owner, waiters: [] };
        locks.set(name, fresh);
        held.add(owner, fresh);
      } else if (lock.owner !== owner) {
        if (wouldDeadlock(owner, lock)) throw deadlockError();
        await wait(owner, lock);
      }
    },
    releaseAll: (owner) => {
      for (const lock of awaited.drop(owner)) {
        for (const waiter of lock.waiters)
          if (waiter.owner === owner) waiter.refuse(new TransactionClosedError());
        lock.waiters = lock.waiters.filter((waiter) => waiter.owner !== owner);
      }
      for (const lock of held.drop(owner)) handOver(lock);
    },
  };
}

/** Who stands between a waiter and the lock: its owner, and the waiters that came earlier. */
function inFront(lock: Lock, waiter?: object): object[] {
  const owners = lock.waiters.map(({ owner }) => owner);
  const place = waiter === undefined ? -1 : owners.indexOf(waiter);
  return [lock.owner, ...(place < 0 ? owners : owners.slice(0, place))].filter((owner) => owner !== waiter);
}

/** Which locks an owner has to do with. */
function createIndex() {
  const byOwner = new Map<object, Set<Lock>>();
  return {
    of: (owner: object): Iterable<Lock> => byOwner.get(owner) ?? [],
    add: (owner: object, lock: Lock): void =>
      void byOwner.set(owner, (byOwner.get(owner) ?? new Set()).add(lock)),
    remove: (owner: object, lock: Lock): void => void byOwner.get(owner)?.delete(lock),
    drop: (owner: object): readonly Lock[] => {
      const locks = [...(byOwner.get(owner) ?? [])];
      byOwner.delete(owner);
      return locks;
    },
  };
}
