import type { SealedEvent } from "../contracts/sealed-event.ts";

/**
 * Events of one channel leave in the order of the calls, although an asynchronous schema may take longer over one than
 * over the next. They are validated side by side; only leaving waits. With synchronous schemas nothing waits.
 */
export interface CallOrder {
  /** Calls `go` with the event when all that were called before it in this channel went, or failed. */
  inTurn<R>(
    channel: string,
    sealed: SealedEvent | Promise<SealedEvent>,
    /** Bounds a wait by the deadline and the signal of the call. */
    bounded: <W>(wait: Promise<W>) => Promise<W>,
    go: (event: SealedEvent) => Promise<R>,
  ): Promise<R>;
}

export function createCallOrder(): CallOrder {
  const last = new Map<string, Promise<void>>();

  return {
    inTurn: (channel, sealed, bounded, go) => {
      const before = last.get(channel);
      if (before === undefined && !(sealed instanceof Promise)) return go(sealed);
      // Boxed: the next may go as soon as this one went, and need not wait for what becomes of it.
      const gone = bounded(Promise.all([sealed, before])).then(([event]) => ({ answer: go(event) }));
      const over = gone
        .then(nothing, nothing)
        .then(() => before)
        .then(() => {
          if (last.get(channel) === over) last.delete(channel);
        });
      last.set(channel, over);
      return gone.then(({ answer }) => answer);
    },
  };
}

function nothing(): void {}
