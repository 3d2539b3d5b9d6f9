/*
 * A delay is a queue whose messages all live equally long: with one time to live per message, a short one waits behind a
 * long one. So delays are rounded up to a bounded number of tiers.
 */

const steps = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];

/** Ten delays per decade, from 100 ms to 100,000 s (28 hours), each at most 28 % longer than the one before. */
export function retryDelays(): readonly number[] {
  const decades = [1, 10, 100, 1_000, 10_000, 100_000];
  return [...decades.flatMap((decade) => steps.map((step) => step * decade)), 100_000_000];
}

/** The shortest tier that is not shorter than `delayMs`; undefined when all are. No delay needs no tier. */
export function tierOf(delayMs: number, tiersMs: readonly number[]): number | undefined {
  return tiersMs.find((tierMs) => tierMs >= delayMs);
}
