/** Tells everybody who listens that rows may have been committed. */
export interface Wake {
  signal(): void;
  onSignal(listener: () => void): () => void;
}

export function createWake(): Wake {
  const listeners = new Set<{ readonly call: () => void }>();
  return {
    signal: () => {
      for (const { call } of [...listeners]) {
        try {
          call();
        } catch {
          // A hint never fails: whoever missed it polls.
        }
      }
    },
    onSignal: (listener) => {
      const own = { call: listener };
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
