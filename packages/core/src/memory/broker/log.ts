/** The newest `limit` items in the order they came; older ones are forgotten. */
export interface BoundedLog<T> extends Iterable<T> {
  readonly size: number;
  push(item: T): void;
}

/** A ring that grows up to its limit: neither adding nor forgetting moves the other items. */
export function createBoundedLog<T>(limit: number): BoundedLog<T> {
  const ring: T[] = [];
  let oldestAt = 0;

  return {
    get size() {
      return ring.length;
    },
    push: (item) => {
      if (ring.length < limit) {
        ring.push(item);
        return;
      }
      ring[oldestAt] = item;
      oldestAt = (oldestAt + 1) % limit;
    },
    *[Symbol.iterator]() {
      for (let i = 0; i < ring.length; i += 1) yield ring[(oldestAt + i) % ring.length] as T;
    },
  };
}
