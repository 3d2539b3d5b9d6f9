import { AsyncLocalStorage } from "node:async_hooks";

/** Which unit of work the running code is inside of. One per messaging. */
export interface AmbientUnits<U> {
  current(): U | undefined;
  run<R>(unit: U, work: () => R): R;
}

export function createAmbientUnits<U>(): AmbientUnits<U> {
  const storage = new AsyncLocalStorage<U>();
  return { current: () => storage.getStore(), run: (unit, work) => storage.run(unit, work) };
}
