/** Time as the library sees it. Tests give a fake one; nothing in the library reads the system clock by itself. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the system clock is set. */
  now(): number;
  /** Milliseconds that never go back, from an arbitrary zero: for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `task` once after `delayMs`; the returned function takes that back. Does not keep the process alive. */
  schedule(delayMs: number, task: () => void): () => void;
}
