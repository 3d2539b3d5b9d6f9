/** A queue whose entries can be taken out anywhere. Each step costs the same, however many wait. */
export interface Fifo<T> {
  readonly size: number;
  readonly first: T | undefined;
  shift(): T | undefined;
  /** The returned function takes the entry out, where it still stands. */
  push(item: T): () => void;
}

interface Node<T> {
  readonly item: T;
  waiting: boolean;
}

/** So many places in front are left empty before the rest moves up. */
const slack = 1_024;

export function createFifo<T>(): Fifo<T> {
  let nodes: Node<T>[] = [];
  let head = 0;
  let size = 0;

  const front = (): Node<T> | undefined => {
    while (head < nodes.length && nodes[head]?.waiting === false) head += 1;
    if (head > slack && head * 2 > nodes.length) {
      nodes = nodes.slice(head);
      head = 0;
    }
    return nodes[head];
  };
  const takeOut = (node: Node<T>): void => {
    if (!node.waiting) return;
    node.waiting = false;
    size -= 1;
    front();
  };

  return {
    get size() {
      return size;
    },
    get first() {
      return front()?.item;
    },
    shift: () => {
      const node = front();
      if (node !== undefined) takeOut(node);
      return node?.item;
    },
    push: (item) => {
      const node = { item, waiting: true };
      nodes.push(node);
      size += 1;
      return () => takeOut(node);
    },
  };
}
