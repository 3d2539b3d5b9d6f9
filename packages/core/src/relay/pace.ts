/** How long to wait before the next turn: nothing after work, longer and longer while idle or failing. */
export interface Pace {
  worked(): number;
  idle(): number;
  failed(): number;
}

export function createPace(minMs: number, maxMs: number, random: () => number): Pace {
  let idleMs = minMs;
  let failedMs = minMs;
  const jittered = (ms: number) => ms * (0.8 + 0.4 * random());
  return {
    worked: () => {
      idleMs = minMs;
      failedMs = minMs;
      return 0;
    },
    idle: () => {
      const wait = idleMs;
      idleMs = Math.min(maxMs, idleMs * 2);
      failedMs = minMs;
      return jittered(wait);
    },
    failed: () => {
      const wait = failedMs;
      failedMs = Math.min(Math.max(5_000, maxMs), failedMs * 2);
      return jittered(wait);
    },
  };
}
