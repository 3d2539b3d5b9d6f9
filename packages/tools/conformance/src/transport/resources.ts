/** What the process holds at one moment. */
export interface ProcessSnapshot {
  /** What is held now beyond that, in words; empty when nothing is. */
  sayMore(): string;
}

/**
 * Counts what keeps the event loop alive (sockets, timers, servers) and the listeners on `process`.
 * What was there before does not count, so a runner's own timers do no harm.
 */
export function snapshotOfProcess(): ProcessSnapshot {
  const before = count();
  return {
    sayMore: () =>
      [...count()]
        .map(([what, now]) => [what, now - (before.get(what) ?? 0)] as const)
        .filter(([, more]) => more > 0)
        .map(([what, more]) => `${more} × ${what}`)
        .join(", "),
  };
}

/** Work of the event loop that ends by itself in its next turn, and output of the runner. */
const passing = new Set(["Immediate", "TickObject", "TTYWrap", "PipeWrap", "FSReqCallback", "FSReqPromise"]);

function count(): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (what: string, more: number): void => void counts.set(what, (counts.get(what) ?? 0) + more);
  for (const what of process.getActiveResourcesInfo()) if (!passing.has(what)) add(what, 1);
  for (const event of process.eventNames())
    add(`listener of process '${String(event)}'`, process.listenerCount(event));
  return counts;
}
