import type { Store, StoredEvent } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

const everything = { maxRows: 10_000, maxBytes: Number.MAX_SAFE_INTEGER };

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
          read: async (lease, { maxRows, maxBytes }) => {
            const page = await inner.relay.read(lease, { maxRows: maxRows + seen.size, maxBytes });
            const rows = page.filter(({ id }) => !seen.has(id));
            for (const { id } of rows.slice(0, maxRows)) seen.add(id);
            return rows.slice(0, maxRows);
          },
        },
      });
    },
  },
  {
    name: "reads without bound",
    fault: "reads everything, however few rows are asked for",
    breaks: (inner) =>
      overStore(inner, {
        relay: { read: (lease, { maxBytes }) => inner.relay.read(lease, { maxRows: 10_000, maxBytes }) },
      }),
  },
  {
    name: "reads without weight",
    fault: "reads as many rows as asked for, however large they are",
    breaks: (inner) =>
      overStore(inner, {
        relay: { read: (lease, { maxRows }) => inner.relay.read(lease, { ...everything, maxRows }) },
      }),
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
            const rows = await inner.relay.read(lease, everything);
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
          confirm: async (lease) => inner.relay.confirm(lease, await inner.relay.read(lease, everything)),
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
            const there = new Set((await inner.relay.read(lease, everything)).map(({ id }) => id));
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
          read: async (lease, bounds) => {
            const rows = await inner.relay.read(lease, bounds);
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
      read: async (lease, { maxRows, maxBytes }) => {
        const rows = await inner.relay.read(lease, { maxRows: maxRows + sequence.size, maxBytes });
        return rows.filter(({ id }) => (sequence.get(id) ?? Infinity) > lastConfirmed).slice(0, maxRows);
      },
      confirm: async (lease, events) => {
        for (const { id } of events) lastConfirmed = Math.max(lastConfirmed, sequence.get(id) ?? 0);
        await inner.relay.confirm(lease, events);
      },
    },
  });
}
