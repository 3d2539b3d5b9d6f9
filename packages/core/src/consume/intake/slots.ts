/** How many handlers work at once. First come, first served. */
export interface Slots {
  /** Resolves with a slot, or with undefined when the slots were closed meanwhile. The function returned frees it, once. */
  take(): Promise<(() => void) | undefined>;
  /** Turns away everybody who waits and whoever comes later. */
  close(): void;
}

export function createSlots(limit: number): Slots {
  let taken = 0;
  let closed = false;
  // A ring of waiters would be overkill: the queue is bounded by the deliveries in flight.
  let waiting: ((slot: (() => void) | undefined) => void)[] = [];

  const grant = (): (() => void) => {
    taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      taken -= 1;
      grantNext();
    };
  };
  const grantNext = (): void => {
    const next = taken < limit ? waiting.shift() : undefined;
    next?.(grant());
  };

  return {
    take: () => {
      if (closed) return Promise.resolve(undefined);
      if (taken < limit && waiting.length === 0) return Promise.resolve(grant());
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => {
      closed = true;
      const turnedAway = waiting;
      waiting = [];
      for (const resolve of turnedAway) resolve(undefined);
    },
  };
}
