import type { SealedEvent, Store } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

export const appendFaults: readonly BrokenStore[] = [
  {
    name: "appends outside the transaction",
    fault: "writes events in a transaction of their own, so that they outlive a rollback",
    breaks: appendsOutside,
  },
  {
    name: "appends one by one",
    fault: "writes each event with a statement of its own",
    breaks: (inner) =>
      overStore(inner, {
        outbox: {
          append: async (tx, events) => {
            for (const event of events) await inner.outbox.append(tx, [event]);
          },
        },
      }),
  },
  {
    name: "appends back to front",
    fault: "writes the events of one append in reverse",
    breaks: (inner) =>
      overStore(inner, { outbox: { append: (tx, events) => inner.outbox.append(tx, events.toReversed()) } }),
  },
  {
    name: "appends at the end",
    fault: "writes what was appended just before the commit, also what a savepoint had taken back",
    breaks: appendsAtTheEnd,
  },
  {
    name: "makes events up",
    fault: "writes an event where none was given",
    breaks: (inner) =>
      overStore(inner, {
        outbox: { append: (tx, events) => inner.outbox.append(tx, events.length === 0 ? [madeUp] : events) },
      }),
  },
  {
    name: "forgets extensions",
    fault: "keeps the values of extensions as text",
    breaks: (inner) =>
      overStore(inner, {
        outbox: {
          append: (tx, events) =>
            inner.outbox.append(
              tx,
              events.map((event) => ({
                ...event,
                extensions: Object.fromEntries(
                  Object.entries(event.extensions).map(([name, value]) => [name, String(value)]),
                ),
              })),
            ),
        },
      }),
  },
  {
    name: "takes any handle",
    fault: "appends in a transaction of its own when the handle is in none",
    breaks: (inner) =>
      overStore(inner, {
        outbox: {
          append: async (tx, events) => {
            try {
              await inner.outbox.append(tx, events);
            } catch {
              await inner.transaction(async (own) => void (await inner.outbox.append(own, events)));
            }
          },
        },
      }),
  },
  {
    name: "is deaf",
    fault: "hears no signal",
    breaks: (inner) => overStore(inner, { outbox: { onSignal: () => () => undefined } }),
  },
];

const madeUp: SealedEvent = {
  id: "made-up",
  source: "/conformance",
  type: "com.example.conformance.made-up.v1",
  specversion: "1.0",
  time: undefined,
  subject: undefined,
  contentType: undefined,
  dataschema: undefined,
  channel: "com.example.conformance",
  key: undefined,
  shard: 0,
  payload: undefined,
  extensions: {},
  traceparent: undefined,
  tracestate: undefined,
  tenant: undefined,
};

function appendsAtTheEnd<Tx>(inner: Store<Tx>): Store<Tx> {
  const waiting = new Map<unknown, SealedEvent[]>();
  return overStore(inner, {
    outbox: {
      append: (tx, events) => {
        const buffer = waiting.get(tx);
        if (buffer === undefined) return inner.outbox.append(tx, events);
        buffer.push(...events);
      },
    },
    transaction: (work, options) =>
      inner.transaction(async (tx) => {
        const buffer: SealedEvent[] = [];
        waiting.set(tx, buffer);
        const result = await work(tx).finally(() => waiting.delete(tx));
        await inner.outbox.append(tx, buffer);
        return result;
      }, options),
  });
}

/** Events of a transaction that rolled back are written once it has ended. */
function appendsOutside<Tx>(inner: Store<Tx>): Store<Tx> {
  const appended = new Map<unknown, SealedEvent[]>();
  return overStore(inner, {
    outbox: {
      append: async (tx, events) => {
        await inner.outbox.append(tx, events);
        appended.get(tx)?.push(...events);
      },
    },
    transaction: async (work, options) => {
      const written: SealedEvent[] = [];
      try {
        return await inner.transaction((tx) => {
          appended.set(tx, written);
          return work(tx);
        }, options);
      } catch (error) {
        if (written.length > 0)
          await inner.transaction(async (tx) => void (await inner.outbox.append(tx, written)));
        throw error;
      }
    },
  });
}
