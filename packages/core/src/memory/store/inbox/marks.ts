/** When each consumer worked on each message: what has been committed. */
export interface Marks {
  has(name: string): boolean;
  apply(marks: ReadonlyMap<string, "set" | "unset">, nowMs: number): void;
  /** Forgets at most `limit` marks from before `beforeMs`. Returns how many. */
  forget(beforeMs: number, limit: number): number;
  clear(): void;
}

export function markName(consumer: string, messageId: string): string {
  return JSON.stringify([consumer, messageId]);
}

export function createMarks(): Marks {
  const markedAtMs = new Map<string, number>();
  return {
    has: (name) => markedAtMs.has(name),
    apply: (marks, nowMs) => {
      for (const [name, mark] of marks) if (mark === "set") markedAtMs.set(name, nowMs);
    },
    forget: (beforeMs, limit) => {
      let forgotten = 0;
      for (const [name, atMs] of markedAtMs) {
        if (forgotten === limit) break;
        if (atMs >= beforeMs) continue;
        markedAtMs.delete(name);
        forgotten += 1;
      }
      return forgotten;
    },
    clear: () => markedAtMs.clear(),
  };
}
