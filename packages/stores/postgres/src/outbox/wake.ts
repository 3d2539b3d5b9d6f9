import type { Clock } from "@postrider/core";
import type { Line } from "./line.ts";

/** Hints that there may be rows to relay. A hint more costs one read, a hint less one poll's wait. */
export interface Wake {
  /** Tells every listener in this process now, and other processes where there is a line to them. Never throws. */
  signal(): void;
  /** Another process has said so. */
  hear(): void;
  /**
   * For a transaction whose end nobody tells us: hints at 1, 3, 10 and 30 ms. However many transactions there are,
   * four timers at most are under way.
   */
  soon(): void;
  onSignal(listener: () => void): () => void;
  close(): void;
}

const guessesMs = [1, 3, 10, 30] as const;

/** The way to other processes. */
export type Announce = Pick<Line, "announce" | "listen">;

export function createWake(clock: Clock, line?: Announce): Wake {
  const listeners = new Set<() => void>();

  const hear = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch {
        // A hint is not worth the failure of the commit that it follows: a listener answers for itself.
      }
    }
  };
  const signal = (): void => {
    hear();
    line?.announce();
  };
  const guesses = guessesMs.map((delayMs) => createGuess(clock, delayMs, signal));
  return {
    signal,
    hear,
    soon: () => {
      if (listeners.size === 0 && line === undefined) return;
      for (const guess of guesses) guess.start();
    },
    onSignal: (listener) => {
      // Wrapped, so that a listener given twice is told twice and taken away one at a time.
      const entry = (): void => listener();
      listeners.add(entry);
      line?.listen();
      return () => listeners.delete(entry);
    },
    close: () => {
      listeners.clear();
      for (const guess of guesses) guess.stop();
    },
  };
}

interface Guess {
  start(): void;
  stop(): void;
}

/** Started again while it runs, it runs once more after its end: the last start is never without its hint. */
function createGuess(clock: Clock, delayMs: number, signal: () => void): Guess {
  let cancel: (() => void) | undefined;
  let again = false;
  const start = (): void => {
    if (cancel !== undefined) {
      again = true;
      return;
    }
    cancel = clock.schedule(delayMs, () => {
      cancel = undefined;
      if (again) {
        again = false;
        start();
      }
      signal();
    });
  };
  return {
    start,
    stop: () => {
      cancel?.();
      cancel = undefined;
      again = false;
    },
  };
}
