import { setTimeout as sleep } from "node:timers/promises";

/** Holds when `reached` has come to `of`. */
export interface Condition {
  /** What is waited for, in words. */
  readonly what: string;
  readonly reached: () => number | Promise<number>;
  readonly of: () => number;
}

export interface WaitOptions {
  /** How long nothing at all may move before it gives up, in milliseconds. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (said: string) => void;
}

const firstPollMs = 10;
/** Some conditions count rows: a large run must not be held up by being watched. */
const longestPollMs = 500;

/**
 * Waits for one condition after the other. Resolves with undefined when all hold, and with the words of the one that
 * does not when nothing has moved for `stallMs` or the signal fires.
 */
export async function waitUntil(
  conditions: readonly Condition[],
  options: WaitOptions,
): Promise<string | undefined> {
  for (const condition of conditions) {
    const missing = await waitFor(condition, options);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

async function waitFor(
  { what, reached, of }: Condition,
  { stallMs, signal, onProgress }: WaitOptions,
): Promise<string | undefined> {
  let last = -1;
  let movedAtMs = performance.now();
  let pollMs = firstPollMs;
  for (let now = await reached(); now < of(); now = await reached()) {
    const said = `${what} (${now} of ${of()})`;
    onProgress(said);
    if (now !== last) movedAtMs = performance.now();
    last = now;
    if (signal.aborted || performance.now() - movedAtMs > stallMs) return said;
    // An abort ends the wait, and is seen in the next round.
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    pollMs = Math.min(longestPollMs, pollMs * 1.5);
  }
  return undefined;
}
