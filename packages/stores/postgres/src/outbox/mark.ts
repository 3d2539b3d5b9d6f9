import type { Clock } from "@postrider/core";
import { haveEnded, type Writers } from "./writers.ts";

/*
 * Where to begin reading. Rows that were confirmed are dead but not gone while somebody holds an old snapshot, and
 * reading from the left passes over all of them. The mark says: no row at or below it exists or will ever appear.
 *
 * A transaction gets its id before it draws a number. So all transactions that drew a number up to L, where L is the
 * last number drawn when a read looked, have ids below X, where X is an id given out after that look. Once the oldest
 * running id has reached X, they have all ended: a read with such a snapshot sees every row up to L that will ever be.
 * X must be an id that a statement of ours was given. The upper end of a snapshot will not do: it is one past the
 * latest transaction that has *ended*, and those still running may have higher ids.
 *
 * The oldest running id is that of the whole cluster, so a long transaction anywhere keeps the mark where it is. Then,
 * and only then, the writers of this table are asked for: once none of those that were there right after L was looked
 * at is there any more, all numbers up to L are decided, whoever else is still running.
 *
 * The mark is a hint for speed alone: every so often a read begins at 0, whatever the mark says.
 */
export interface Mark {
  /** Where the next read begins: rows above it are looked at. 0 when a full read is due. And whether to ask for writers. */
  begin(): { readonly after: bigint; readonly writers: "asked" | "not asked" };
  /**
   * What a read saw. `horizon` is the oldest running id, from a snapshot no newer than that of the rows. False when
   * the numbers were set back, as a restore does: the read began too far on, and another one is needed.
   */
  seen(read: {
    readonly last: bigint;
    readonly horizon: bigint;
    readonly first: bigint | undefined;
    /** Looked up after `last` and before the rows; undefined when they were not asked for. */
    readonly writers?: Writers | undefined;
  }): boolean;
  /** To be asked before a statement that draws an id; the answer goes into `drew`, together with that id. */
  look(): bigint | undefined;
  drew(last: bigint | undefined, id: bigint): void;
  /** Nothing is known any more: after an error the database may be another one. */
  reset(): void;
}

interface Step {
  readonly last: bigint;
  readonly id: bigint;
}

/** So far behind, dead rows begin to cost something; and so often at most the list of locks is read. */
const farBehind = 2_000n;
const askEveryMs = 250;

export function createMark(clock: Clock, fullReadEveryMs: number): Mark {
  let low = 0n;
  let last: bigint | undefined;
  let fullReadAtMs = clock.monotonicMs() + fullReadEveryMs;
  // The oldest step that waits, so that a steady stream of short transactions always gets on, and the newest one, so
  // that nothing is left to wait for when the stream ends.
  let waiting: Step | undefined;
  let newest: Step | undefined;
  let asked: { readonly last: bigint; readonly writers: Writers } | undefined;
  let askAtMs = Number.NEGATIVE_INFINITY;

  /** The last number whose fate these writers decide no more, by what was known of them before. */
  const outlived = (now: bigint, writers: Writers): bigint | undefined => {
    const before = asked;
    if (writers.ids.size === 0) {
      asked = undefined;
      return now;
    }
    if (before !== undefined && !haveEnded(before.writers, writers)) return undefined;
    asked = { last: now, writers };
    return before?.last;
  };
  const reached = (horizon: bigint): Step | undefined => {
    if (newest !== undefined && horizon >= newest.id) {
      const step = newest;
      waiting = newest = undefined;
      return step;
    }
    if (waiting === undefined || horizon < waiting.id) return undefined;
    const step = waiting;
    waiting = newest;
    newest = undefined;
    return step;
  };

  const reset = (): void => {
    low = 0n;
    last = waiting = newest = asked = undefined;
  };
  const wantsWriters = (now: number): boolean => {
    if (last === undefined || last - low < farBehind || now < askAtMs) return false;
    askAtMs = now + askEveryMs;
    return true;
  };

  return {
    begin: () => {
      const now = clock.monotonicMs();
      const writers = wantsWriters(now) ? "asked" : "not asked";
      if (now < fullReadAtMs) return { after: low, writers };
      fullReadAtMs = now + fullReadEveryMs;
      return { after: 0n, writers };
    },
    seen: (read) => {
      if (read.last < low) {
        reset();
        return false;
      }
      last = read.last;
      const limit = read.first === undefined ? undefined : read.first - 1n;
      // A full read may find what the mark had passed.
      if (limit !== undefined && limit < low) low = limit;
      for (const decided of [
        reached(read.horizon)?.last,
        read.writers === undefined ? undefined : outlived(read.last, read.writers),
      ]) {
        if (decided === undefined) continue;
        const safe = limit === undefined ? decided : smaller(decided, limit);
        if (safe > low) low = safe;
      }
      return true;
    },
    look: () => last,
    drew: (seenLast, id) => {
      if (seenLast === undefined) return;
      const step = { last: seenLast, id };
      if (waiting === undefined) waiting = step;
      else newest = step;
    },
    reset,
  };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
