import type { SealedEvent, Store, StoredEvent } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

export const outboxFaults: readonly BrokenStore[] = [
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
  {
    name: "skips late commits",
    fault: "reads only what was appended after the last event confirmed",
    breaks: skipsLateCommits,
  },
  {
    name: "reads once",
    fault: "does not read a row again that was not confirmed",
    breaks: (inner) => {
      const seen = new Set<string>();
      return overStore(inner, {
        relay: {
          read: async (lease, limit) => {
            const rows = (await inner.relay.read(lease, limit + seen.size)).filter(({ id }) => !seen.has(id));
            for (const { id } of rows.slice(0, limit)) seen.add(id);
            return rows.slice(0, limit);
          },
        },
      });
    },
  },
  {
    name: "reads without bound",
    fault: "reads everything, whatever limit is asked for",
    breaks: (inner) => overStore(inner, { relay: { read: (lease) => inner.relay.read(lease, 10_000) } }),
  },
  {
    name: "confirms too much",
    fault: "removes everything up to the last row confirmed",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          confirm: async (lease, events) => {
            const last = events.at(-1);
            if (last === undefined) return;
            const rows = await inner.relay.read(lease, 10_000);
            const upTo = rows.findIndex(({ id }) => id === last.id);
            await inner.relay.confirm(lease, rows.slice(0, upTo + 1));
          },
        },
      }),
  },
  {
    name: "confirms all",
    fault: "removes every row it has, whichever were confirmed",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          confirm: async (lease) => inner.relay.confirm(lease, await inner.relay.read(lease, 10_000)),
        },
      }),
  },
  {
    name: "confirms once",
    fault: "fails when rows are confirmed that are gone",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          confirm: async (lease, events) => {
            const there = new Set((await inner.relay.read(lease, 10_000)).map(({ id }) => id));
            if (events.some(({ id }) => !there.has(id))) throw new Error("no such row");
            await inner.relay.confirm(lease, events);
          },
        },
      }),
  },
  {
    name: "gives no position",
    fault: "gives rows another position at each read",
    breaks: (inner) => {
      let reads = 0;
      const originals = new Map<string, StoredEvent>();
      return overStore(inner, {
        relay: {
          read: async (lease, limit) => {
            const rows = await inner.relay.read(lease, limit);
            for (const row of rows) originals.set(row.id, row);
            reads += 1;
            return rows.map((row) => ({ ...row, position: `${row.position}-${reads}-${lease.epoch}` }));
          },
          confirm: (lease, events) => inner.relay.confirm(lease, events.map((one) => originals.get(one.id) ?? one)),
        },
      });
    },
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
        if (written.length > 0) await inner.transaction(async (tx) => void (await inner.outbox.append(tx, written)));
        throw error;
      }
    },
  });
}

/** `where seq > last`, with the sequence drawn at the append, as an identity column draws it. */
function skipsLateCommits<Tx>(inner: Store<Tx>): Store<Tx> {
  const sequence = new Map<string, number>();
  let lastConfirmed = 0;
  return overStore(inner, {
    outbox: {
      append: (tx, events) => {
        for (const { id } of events) sequence.set(id, sequence.size + 1);
        return inner.outbox.append(tx, events);
      },
    },
    relay: {
      read: async (lease, limit) => {
        const rows = await inner.relay.read(lease, limit + sequence.size);
        return rows.filter(({ id }) => (sequence.get(id) ?? Infinity) > lastConfirmed).slice(0, limit);
      },
      confirm: async (lease, events) => {
        for (const { id } of events) lastConfirmed = Math.max(lastConfirmed, sequence.get(id) ?? 0);
        await inner.relay.confirm(lease, events);
      },
    },
  });
}
