import type { ParkedResult, ParkRequest, RelayLease } from "@postrider/core";
import { overStore } from "./over-store.ts";
import type { BrokenStore } from "./over-store.ts";

export const relayFaults: readonly BrokenStore[] = [
  {
    name: "park loses",
    fault: "removes the second row of a park and puts it nowhere",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          park: async (lease, requests) => {
            const [first, lost, ...rest] = requests;
            if (lost !== undefined) await inner.relay.confirm(lease, [lost.event]);
            await inner.relay.park(lease, first === undefined ? [] : [first, ...rest]);
          },
        },
      }),
  },
  {
    name: "park copies",
    fault: "leaves parked rows in the outbox",
    breaks: (inner) => {
      const kept: Parameters<typeof inner.relay.park>[1][number]["event"][] = [];
      return overStore(inner, {
        relay: {
          park: async (lease, requests) => {
            kept.push(...requests.map(({ event }) => event));
            await inner.relay.park(lease, requests);
          },
          read: async (lease, bounds) =>
            [...kept, ...(await inner.relay.read(lease, bounds))].slice(0, bounds.maxRows),
        },
      });
    },
  },
  {
    name: "holds no key",
    fault: "forgets which keys have parked rows",
    breaks: (inner) => overStore(inner, { relay: { heldKeys: async () => [] } }),
  },
  {
    name: "is always due",
    fault: "takes no notice of when a parked row is to be tried again",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          park: (lease, requests) =>
            inner.relay.park(
              lease,
              requests.map((request) => (request.status === "retry" ? { ...request, waitMs: 0 } : request)),
            ),
          settleParked: (lease, settlements) =>
            inner.relay.settleParked(
              lease,
              settlements.map(({ event, result }) => ({
                event,
                result: result.kind === "retry" ? { ...result, waitMs: 0 } : result,
              })),
            ),
        },
      }),
  },
  {
    name: "forgets results",
    fault: "does not write down what became of a parked row",
    breaks: (inner) => overStore(inner, { relay: { settleParked: async () => [] } }),
  },
  {
    name: "buries the key",
    fault: "holds the key of every dead row",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          park: (lease, requests) =>
            inner.relay.park(
              lease,
              requests.map((request) => ({ ...request, onDead: undefined })),
            ),
          settleParked: (lease, settlements) =>
            inner.relay.settleParked(
              lease,
              settlements.map(({ event, result }) => ({ event, result: harsher(result) })),
            ),
        },
      }),
  },
  {
    name: "gives due rows alone",
    fault: "gives of each key only the row whose time has come",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          due: async (lease, bounds) => {
            const { events, nextInMs } = await inner.relay.due(lease, bounds);
            return { events: events.filter(({ status }) => status === "retry"), nextInMs };
          },
        },
      }),
  },
  {
    name: "gives all due rows",
    fault: "takes no notice of how much is asked for of the parked rows",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          due: (lease) => inner.relay.due(lease, { maxRows: 10_000, maxBytes: Number.MAX_SAFE_INTEGER }),
        },
      }),
  },
  {
    name: "keeps the next time to itself",
    fault: "does not tell when the time of the next parked row comes",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          due: async (lease, bounds) => ({ ...(await inner.relay.due(lease, bounds)), nextInMs: undefined }),
        },
      }),
  },
  {
    name: "holds behind nothing",
    fault: "lets a row wait that is parked behind nothing",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          park: async (lease, requests) => {
            const heldKeys = (await inner.relay.heldKeys(lease)).map(({ key }) => key);
            const inFront = requests.filter(({ status }) => status !== "held").map(({ event }) => event.key);
            const keys = new Set<string | undefined>([...heldKeys, ...inFront]);
            const forgotten = ({ status, event }: ParkRequest) => status === "held" && !keys.has(event.key);
            await inner.relay.park(
              lease,
              requests.map((one) => (forgotten(one) ? { ...one, status: "dead" } : one)),
            );
          },
        },
      }),
  },
  {
    name: "settles one",
    fault: "writes down only what became of the first row",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          settleParked: (lease, settlements) => inner.relay.settleParked(lease, settlements.slice(0, 1)),
        },
      }),
  },
  {
    name: "frees no key",
    fault: "does not tell which keys hold nothing any more",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          settleParked: async (lease, settlements) => {
            await inner.relay.settleParked(lease, settlements);
            return [];
          },
        },
      }),
  },
  {
    name: "does not fence",
    fault: "lets whoever asks park and settle, whatever the lease",
    breaks: (inner) => {
      let current: RelayLease | undefined;
      return overStore(inner, {
        relay: {
          acquire: async (owner, leaseMs) => {
            const lease = await inner.relay.acquire(owner, leaseMs);
            current = lease ?? current;
            return lease;
          },
          park: (lease, requests) => inner.relay.park(current ?? lease, requests),
          settleParked: (lease, settlements) => inner.relay.settleParked(current ?? lease, settlements),
        },
      });
    },
  },
  {
    name: "finds everything",
    fault: "takes no notice of what parked rows are asked for",
    breaks: (inner) => overStore(inner, { relay: { parked: () => inner.relay.parked({}) } }),
  },
  {
    name: "counts nothing",
    fault: "reports an empty outbox",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          status: async () => ({
            backlog: 0,
            oldestAgeMs: undefined,
            parked: 0,
            dead: 0,
            owner: undefined,
            pausedAtMs: undefined,
            inexact: [],
          }),
        },
      }),
  },
  {
    name: "gives the lease to two",
    fault: "gives the lease to whoever asks",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          acquire: async (owner, leaseMs) =>
            (await inner.relay.acquire(owner, leaseMs)) ?? { owner, epoch: 1 },
        },
      }),
  },
  {
    name: "never lets go",
    fault: "keeps the lease when it is released",
    breaks: (inner) => overStore(inner, { relay: { release: async () => undefined } }),
  },
  {
    name: "keeps the epoch",
    fault: "gives every lease the same epoch",
    breaks: (inner) => {
      const epochs = new Map<string, number>();
      const inside = (lease: RelayLease) => ({ ...lease, epoch: epochs.get(lease.owner) ?? lease.epoch });
      return overStore(inner, {
        relay: {
          acquire: async (owner, leaseMs) => {
            const lease = await inner.relay.acquire(owner, leaseMs);
            if (lease === undefined) return undefined;
            epochs.set(owner, lease.epoch);
            return { ...lease, epoch: 1 };
          },
          renew: (lease, leaseMs) => inner.relay.renew(inside(lease), leaseMs),
          release: (lease) => inner.relay.release(inside(lease)),
          read: (lease, bounds) => inner.relay.read(inside(lease), bounds),
          confirm: (lease, events) => inner.relay.confirm(inside(lease), events),
        },
      });
    },
  },
  {
    name: "renews what is lost",
    fault: "says that every lease was renewed",
    breaks: (inner) =>
      overStore(inner, {
        relay: {
          renew: async (lease, leaseMs) => {
            await inner.relay.renew(lease, leaseMs);
            return true;
          },
        },
      }),
  },
  {
    name: "does not pause",
    fault: "goes on reading while it is paused",
    breaks: (inner) => overStore(inner, { relay: { pause: async () => undefined } }),
  },
  {
    name: "pauses alone",
    fault: "keeps in the store that was asked, and not with the rows, that it is paused",
    breaks: (inner) => {
      let paused = false;
      return overStore(inner, {
        relay: {
          pause: async () => void (paused = true),
          resume: async () => void (paused = false),
          read: async (lease, bounds) => (paused ? [] : inner.relay.read(lease, bounds)),
          due: async (lease, bounds) =>
            paused ? { events: [], nextInMs: undefined } : inner.relay.due(lease, bounds),
        },
      });
    },
  },
  {
    name: "does not resume",
    fault: "stays paused for ever",
    breaks: (inner) => overStore(inner, { relay: { resume: async () => undefined } }),
  },
  {
    name: "does not renew",
    fault: "says that a lease was renewed, and lets it run out",
    breaks: (inner) => overStore(inner, { relay: { renew: async () => true } }),
  },
  {
    name: "gives an owner the same lease again",
    fault: "keeps the epoch for an owner that acquires its own lease anew",
    breaks: (inner) => {
      let current: RelayLease | undefined;
      return overStore(inner, {
        relay: {
          acquire: async (owner, leaseMs) => {
            if (current?.owner === owner && (await inner.relay.renew(current, leaseMs))) return current;
            current = await inner.relay.acquire(owner, leaseMs);
            return current;
          },
        },
      });
    },
  },
];

function harsher(result: ParkedResult): ParkedResult {
  return result.kind === "dead" ? { ...result, onDead: "hold-key" } : result;
}
