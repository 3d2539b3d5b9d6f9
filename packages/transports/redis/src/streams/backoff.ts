/** Growing waits, so that what is down is not overrun when it comes back. */
export interface Backoff {
  /** The next wait in milliseconds: doubled each time up to the most, between half and all of it by chance. */
  next(): number;
  /** Something worked: begin anew. */
  reset(): void;
}

export function createBackoff(firstMs: number, mostMs: number, random: () => number = Math.random): Backoff {
  let waitMs = firstMs;
  return {
    next: () => {
      const nowMs = waitMs;
      waitMs = Math.min(mostMs, waitMs * 2);
      return nowMs * (0.5 + 0.5 * random());
    },
    reset: () => {
      waitMs = firstMs;
    },
  };
}
