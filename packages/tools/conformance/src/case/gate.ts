/** Lets cases run side by side, except those that must be alone: they count sockets and timers of the whole process. */
export interface Gate {
  /** Runs `work` together with other shared work. */
  shared<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` when nothing else runs, and lets nothing in meanwhile. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** A gate of its own. First come, first served: whoever waits to be alone holds up those behind it. */
export function createGate(): Gate {
  let lastAlone: Promise<unknown> = Promise.resolve();
  let running: Promise<unknown>[] = [];
  const enter = async <T>(after: Promise<unknown>, work: () => Promise<T>): Promise<T> => {
    await after;
    return await work();
  };
  return {
    shared: (work) => {
      const done = enter(lastAlone, work);
      running.push(settled(done));
      return done;
    },
    alone: (work) => {
      const done = enter(Promise.all([lastAlone, ...running]), work);
      running = [];
      lastAlone = settled(done);
      return done;
    },
  };
}

function settled(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    () => undefined,
  );
}
