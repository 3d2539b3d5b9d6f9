import type { DomainHandler } from "./domain-handlers.ts";

/** Which handlers a unit of work has for an event: those of every set that took part, each once. */
export interface HandlerTable {
  /** By their order, and then as they were registered. */
  of(type: string): readonly DomainHandler[];
  /** The same with those of another table behind these; itself when there are none that are new. */
  with(other: HandlerTable): HandlerTable;
  /** As they were registered. */
  readonly entries: readonly DomainHandler[];
}

/** Made once for a set of handlers: units share it, nothing is sorted while they run. */
export function createHandlerTable(entries: readonly DomainHandler[]): HandlerTable {
  const byType = new Map<string, DomainHandler[]>();
  for (const entry of entries) {
    const of = byType.get(entry.type);
    if (of === undefined) byType.set(entry.type, [entry]);
    else of.push(entry);
  }
  for (const of of byType.values()) of.sort((a, b) => a.order - b.order); // stable: equals stay as registered
  const table: HandlerTable = {
    of: (type) => byType.get(type) ?? none,
    entries,
    with: (other) => {
      const fresh = other.entries.filter((entry) => !entries.includes(entry));
      return fresh.length === 0 ? table : createHandlerTable([...entries, ...fresh]);
    },
  };
  return table;
}

const none: readonly DomainHandler[] = [];
