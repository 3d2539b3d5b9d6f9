/** The part of a turn that is not to be torn: from the first byte to the broker until the store knows what became of it. */
export interface Underway {
  run<R>(work: () => Promise<R>): Promise<R>;
  /** Resolves when nothing is under way. Never rejects. */
  over(): Promise<void>;
}

/** For one turn at a time. */
export function createUnderway(): Underway {
  let current: Promise<void> = Promise.resolve();
  return {
    run: (work) => {
      const running = work();
      current = running.then(
        () => undefined,
        () => undefined,
      );
      return running;
    },
    over: () => current,
  };
}
