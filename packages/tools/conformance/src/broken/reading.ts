import type { Store, StoredEvent } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

export const readFaults: readonly BrokenStore[] = [
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
          confirm: (lease, events) =>
            inner.relay.confirm(
              lease,
              events.map((one) => originals.get(one.id) ?? one),
            ),
        },
      });
    },
  },
];

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
