import type { Store } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

export const inboxFaults: readonly BrokenStore[] = [
  {
    name: "marks outside the transaction",
    fault: "keeps the marks of a transaction that rolled back",
    breaks: marksOutside,
  },
  {
    name: "inbox forgets",
    fault: "finds every message new",
    breaks: (inner) => overStore(inner, { inbox: { register: async (_tx, _consumer, ids) => new Set(ids) } }),
  },
  {
    name: "marks for everybody",
    fault: "takes the mark of one consumer for that of all",
    breaks: (inner) =>
      overStore(inner, {
        inbox: { register: (tx, _consumer, ids) => inner.inbox.register(tx, "everybody", ids) },
      }),
  },
  {
    name: "drops the source",
    fault: "knows messages by the last part of their id",
    breaks: (inner) =>
      overStore(inner, {
        inbox: {
          register: async (tx, consumer, ids) => {
            const shortOf = (id: string): string => id.slice(id.indexOf("#"));
            const fresh = await inner.inbox.register(tx, consumer, ids.map(shortOf));
            return new Set(ids.filter((id) => fresh.has(shortOf(id))));
          },
        },
      }),
  },
  {
    name: "cuts ids",
    fault: "keeps the first 200 characters of an id",
    breaks: (inner) =>
      overStore(inner, {
        inbox: {
          register: async (tx, consumer, ids) => {
            const fresh = await inner.inbox.register(
              tx,
              consumer,
              ids.map((id) => id.slice(0, 200)),
            );
            return new Set(
              ids.filter((id, index) => fresh.has(id.slice(0, 200)) && firstOf(ids, id) === index),
            );
          },
        },
      }),
  },
  {
    name: "drops batches with repeats",
    fault: "takes an id that comes twice in a batch for a duplicate",
    breaks: (inner) =>
      overStore(inner, {
        inbox: {
          register: async (tx, consumer, ids) => {
            const fresh = await inner.inbox.register(tx, consumer, ids);
            return new Set([...fresh].filter((id) => ids.indexOf(id) === ids.lastIndexOf(id)));
          },
        },
      }),
  },
  {
    name: "keeps taken marks",
    fault: "does not take a mark back",
    breaks: (inner) => overStore(inner, { inbox: { unregister: async () => undefined } }),
  },
  {
    name: "does not wait",
    fault: "answers for a message that another transaction is marking",
    breaks: doesNotWait,
  },
  {
    name: "prunes everything",
    fault: "forgets young marks too",
    breaks: (inner) =>
      overStore(inner, { inbox: { prune: (options) => inner.inbox.prune({ ...options, olderThanMs: 0 }) } }),
  },
  {
    name: "prunes without bound",
    fault: "forgets all old marks, however few are asked for",
    breaks: (inner) =>
      overStore(inner, {
        inbox: { prune: (options) => inner.inbox.prune({ ...options, maxRows: undefined }) },
      }),
  },
  {
    name: "prunes nothing",
    fault: "says how many marks it would forget, and forgets none",
    breaks: (inner) => overStore(inner, { inbox: { prune: async () => 0 } }),
  },
];

const firstOf = (ids: readonly string[], id: string): number =>
  ids.findIndex((one) => one.slice(0, 200) === id.slice(0, 200));

/** Marks of a transaction that rolled back are written once it has ended. */
function marksOutside<Tx>(inner: Store<Tx>): Store<Tx> {
  const marked = new Map<unknown, [consumer: string, ids: readonly string[]][]>();
  return overStore(inner, {
    inbox: {
      register: async (tx, consumer, ids) => {
        marked.get(tx)?.push([consumer, ids]);
        return inner.inbox.register(tx, consumer, ids);
      },
    },
    transaction: async (work, options) => {
      const own: [string, readonly string[]][] = [];
      try {
        return await inner.transaction((tx) => {
          marked.set(tx, own);
          return work(tx);
        }, options);
      } catch (error) {
        await inner.transaction(async (tx) => {
          for (const [consumer, ids] of own) await inner.inbox.register(tx, consumer, ids);
        });
        throw error;
      }
    },
  });
}

/** Reads, answers and writes afterwards, as an inbox without a unique key does. */
function doesNotWait<Tx>(inner: Store<Tx>): Store<Tx> {
  const known = new Set<string>();
  return overStore(inner, {
    inbox: {
      register: async (_tx, consumer, ids) => {
        const fresh = new Set(ids.filter((id) => !known.has(`${consumer} ${id}`)));
        await new Promise((resolve) => void setImmediate(resolve));
        for (const id of fresh) known.add(`${consumer} ${id}`);
        return fresh;
      },
    },
  });
}
