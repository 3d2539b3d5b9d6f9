import { AsyncLocalStorage } from "node:async_hooks";

/** Which unit of work the running code is inside of. One per messaging. */
export interface AmbientUnits<U extends object> {
  current(): U | undefined;
  run<R>(unit: U, work: () => R): R;
  /** Nobody is inside of this unit any more: timers and pools that were made inside it outlive it. */
  end(unit: U): void;
}

/** Nobody is ever inside of a unit: for those that have no transaction. */
export const noAmbientUnits: AmbientUnits<object> = {
  current: () => undefined,
  run: (_unit, work) => work(),
  end: () => {},
};

export function createAmbientUnits<U extends object>(): AmbientUnits<U> {
  const storage = new AsyncLocalStorage<U>();
  const ended = new WeakSet<U>();
  return {
    current: () => {
      const unit = storage.getStore();
      return unit === undefined || ended.has(unit) ? undefined : unit;
    },
    run: (unit, work) => storage.run(unit, work),
    end: (unit) => void ended.add(unit),
  };
}
