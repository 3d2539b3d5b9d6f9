/** A priority queue: `pop` takes the item that stands before all others. Adding in order costs a constant time. */
export interface Heap<T> {
  readonly size: number;
  push(item: T): void;
  pop(): T | undefined;
  peek(): T | undefined;
  /** All items, in no order. */
  items(): Iterable<T>;
  clear(): void;
}

export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  const rise = (item: T): void => {
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] as T;
      if (!before(item, parent)) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  };

  /** Puts `item` in the place of the first one, and down to where it belongs. */
  const sink = (item: T): void => {
    let at = 0;
    for (;;) {
      const childAt = smallerChild(at);
      const child = items[childAt];
      if (child === undefined || !before(child, item)) break;
      items[at] = child;
      at = childAt;
    }
    items[at] = item;
  };

  const smallerChild = (at: number): number => {
    const left = 2 * at + 1;
    const right = left + 1;
    return right < items.length && before(items[right] as T, items[left] as T) ? right : left;
  };

  return {
    get size() {
      return items.length;
    },
    push: rise,
    pop: () => {
      const first = items[0];
      const last = items.pop();
      if (last !== undefined && items.length > 0) sink(last);
      return first;
    },
    peek: () => items[0],
    items: () => items,
    clear: () => {
      items.length = 0;
    },
  };
}
