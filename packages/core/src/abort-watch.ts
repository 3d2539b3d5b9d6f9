/**
 * Calls `task` when the signal fires; what is returned takes that back. A signal that has fired already calls nothing,
 * and no signal at all is one that never fires.
 */
export type AbortWatch = (signal: AbortSignal | undefined, task: () => void) => () => void;

/**
 * Listens to each signal once, however many wait for it, and only while somebody does. A signal may be that of a whole
 * service, with a thousand calls under way: Node 20 takes more than ten listeners for a leak and warns.
 */
export function createAbortWatch(): AbortWatch {
  const watched = new WeakMap<AbortSignal, Watched>();

  const begin = (signal: AbortSignal): Watched => {
    const entries = new Set<Entry>();
    const fire = (): void => {
      watched.delete(signal);
      for (const { task } of entries) task();
    };
    const begun = { entries, end: () => signal.removeEventListener("abort", fire) };
    signal.addEventListener("abort", fire, { once: true });
    watched.set(signal, begun);
    return begun;
  };

  return (signal, task) => {
    if (signal === undefined || signal.aborted) return nothing;
    const { entries, end } = watched.get(signal) ?? begin(signal);
    const entry = { task };
    entries.add(entry);
    return () => {
      if (!entries.delete(entry) || entries.size > 0 || signal.aborted) return;
      watched.delete(signal);
      end();
    };
  };
}

/** One who waits: the same function may be given twice. */
interface Entry {
  readonly task: () => void;
}

interface Watched {
  readonly entries: Set<Entry>;
  readonly end: () => void;
}

function nothing(): void {}
