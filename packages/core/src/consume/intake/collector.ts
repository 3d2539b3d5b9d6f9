import type { Clock } from "../../contracts/clock.ts";

/** Gathers works of one batch handler: by number, or by the age of the first, whichever comes first. */
export interface Collector<W> {
  add(work: W): void;
  /** Whether this work is in the batch that still takes more. */
  holds(work: W): boolean;
  /** Hands over what there is now. */
  flush(): void;
}

export function createCollector<W>(
  clock: Clock,
  limits: { readonly maxSize: number; readonly maxWaitMs: number },
  run: (batch: readonly [W, ...W[]]) => void,
): Collector<W> {
  let open: W[] = [];
  let cancel = () => {};

  const flush = (): void => {
    cancel();
    const [first, ...rest] = open;
    open = [];
    if (first !== undefined) run([first, ...rest]);
  };

  return {
    add: (work) => {
      // The age of the first message counts, not the silence after the last one: a steady trickle must not wait for ever.
      if (open.push(work) === 1) cancel = clock.schedule(limits.maxWaitMs, flush);
      if (open.length >= limits.maxSize) flush();
    },
    holds: (work) => open.includes(work),
    flush,
  };
}
