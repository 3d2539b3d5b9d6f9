import { createHeap, type Heap } from "./heap.ts";
import type { StoredMessage } from "./message.ts";

/** One message in one queue. */
export interface Entry {
  readonly message: StoredMessage;
  /** Place in the queue: lower goes first. */
  order: number;
  /** Of the next delivery, from 1. */
  attempt: number;
  redelivered: boolean;
  /** When a delayed entry may go out again, by the broker's monotonic clock. */
  dueMs: number;
  /** This entry stands for its key: later ones of the key wait for it. */
  holdsLane: boolean;
}

export type QueueOrdering = "none" | "key";

export interface QueueCounts {
  /** Ready to go out, or waiting behind another of their key. */
  readonly queued: number;
  readonly unsettled: number;
  readonly delayed: number;
}

/**
 * The messages of one group in one channel.
 * With ordering `key` at most one message of a key is ready, unsettled or delayed; the others wait in its lane.
 */
export interface MessageQueue {
  /** Everything not yet acknowledged. */
  readonly size: number;
  /** How many could go out now. */
  readonly ready: number;
  readonly ordering: QueueOrdering;
  add(message: StoredMessage): void;
  /** The next to go out; it is unsettled from now on. */
  take(): Entry | undefined;
  ack(entry: Entry): void;
  /** Back in its place. `attempt`: of the next delivery. */
  giveBack(entry: Entry, attempt: number): void;
  /** In front of its key where that is held, else at the end: not before `dueMs`. */
  retry(entry: Entry, attempt: number, dueMs: number): void;
  /** Makes ready what has become due. */
  wake(nowMs: number): void;
  nextDueMs(): number | undefined;
  /** Only while nothing is unsettled. */
  reorder(ordering: QueueOrdering): void;
  counts(): QueueCounts;
  entries(): readonly Entry[];
  clear(): void;
}

export function createQueue(initial: QueueOrdering): MessageQueue {
  let ordering = initial;
  let lastOrder = 0;
  const ready = createHeap<Entry>(byOrder);
  const delayed = createHeap<Entry>(byDue);
  const unsettled = new Set<Entry>();
  /** Per key that has an entry: those that wait behind it. */
  const lanes = new Map<string, Heap<Entry> | undefined>();
  let waiting = 0;

  const nextOrder = (): number => (lastOrder += 1);
  const size = (): number => ready.size + delayed.size + unsettled.size + waiting;

  const admit = (entry: Entry): void => {
    const key = ordering === "key" ? entry.message.key : undefined;
    if (key !== undefined && lanes.has(key)) return waitBehind(key, entry);
    if (key !== undefined) lanes.set(key, undefined);
    entry.holdsLane = key !== undefined;
    ready.push(entry);
  };

  const waitBehind = (key: string, entry: Entry): void => {
    const lane = lanes.get(key) ?? createHeap<Entry>(byOrder);
    lanes.set(key, lane);
    lane.push(entry);
    waiting += 1;
  };

  const openLane = (key: string): void => {
    const next = lanes.get(key)?.pop();
    if (next === undefined) {
      lanes.delete(key);
      return;
    }
    waiting -= 1;
    next.holdsLane = true;
    ready.push(next);
  };

  const comeBack = (entry: Entry, attempt: number): void => {
    unsettled.delete(entry);
    entry.attempt = attempt;
    entry.redelivered = true;
  };

  const list = (): Entry[] => {
    const lanesOf = [...lanes.values()].flatMap((lane) => (lane === undefined ? [] : [...lane.items()]));
    return [...ready.items(), ...delayed.items(), ...unsettled, ...lanesOf].sort((a, b) => a.order - b.order);
  };

  const empty = (): void => {
    ready.clear();
    delayed.clear();
    unsettled.clear();
    lanes.clear();
    waiting = 0;
  };

  return {
    get size() {
      return size();
    },
    get ready() {
      return ready.size;
    },
    get ordering() {
      return ordering;
    },
    add: (message) => {
      admit({ message, order: nextOrder(), attempt: 1, redelivered: false, dueMs: 0, holdsLane: false });
    },
    take: () => {
      const entry = ready.pop();
      if (entry !== undefined) unsettled.add(entry);
      return entry;
    },
    ack: (entry) => {
      unsettled.delete(entry);
      if (entry.holdsLane && entry.message.key !== undefined) openLane(entry.message.key);
    },
    giveBack: (entry, attempt) => {
      comeBack(entry, attempt);
      ready.push(entry);
    },
    retry: (entry, attempt, dueMs) => {
      comeBack(entry, attempt);
      entry.dueMs = dueMs;
      delayed.push(entry);
    },
    wake: (nowMs) => {
      for (let next = delayed.peek(); next !== undefined && next.dueMs <= nowMs; next = delayed.peek()) {
        delayed.pop();
        if (next.holdsLane) {
          ready.push(next);
        } else {
          // Without a lane others have passed it: it goes on at the end. With one it comes before later ones of its key.
          if (ordering === "none" || next.message.key === undefined) next.order = nextOrder();
          admit(next);
        }
      }
    },
    nextDueMs: () => delayed.peek()?.dueMs,
    reorder: (wanted) => {
      if (wanted === ordering) return;
      const later = new Set(delayed.items());
      const all = list();
      empty();
      ordering = wanted;
      for (const entry of all) {
        entry.holdsLane = false;
        if (later.has(entry)) delayed.push(entry);
        else admit(entry);
      }
    },
    counts: () => ({ queued: ready.size + waiting, unsettled: unsettled.size, delayed: delayed.size }),
    entries: list,
    clear: empty,
  };
}

function byOrder(a: Entry, b: Entry): boolean {
  return a.order < b.order;
}

function byDue(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
