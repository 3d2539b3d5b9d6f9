import type { JournalEntry } from "../../contracts/journal.ts";
import type { StoredEvent } from "../../contracts/outbox.ts";
import type { Changes, Row } from "./tables.ts";

/** What a transaction, or one savepoint of it, has written so far. */
export interface Frame {
  readonly changes: Changes;
  events: StoredEvent[];
  readonly journal: JournalEntry[];
  /** Marks of the inbox: set, or taken back. */
  readonly marks: Map<string, "set" | "unset">;
}

export function createFrame(): Frame {
  return { changes: new Map(), events: [], journal: [], marks: new Map() };
}

export function write(frame: Frame, table: string, key: string, row: Row | undefined): void {
  const changed = frame.changes.get(table) ?? new Map<string, Row | undefined>();
  frame.changes.set(table, changed.set(key, row));
}

/** Adds what `inner` holds to `outer`: a savepoint that is kept. */
export function merge(outer: Frame, inner: Frame): void {
  for (const [table, changed] of inner.changes) {
    for (const [key, row] of changed) write(outer, table, key, row);
  }
  outer.events.push(...inner.events);
  outer.journal.push(...inner.journal);
  for (const [name, mark] of inner.marks) outer.marks.set(name, mark);
}
