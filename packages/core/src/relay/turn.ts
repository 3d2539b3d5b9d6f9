import type { StoredEvent } from "../contracts/outbox.ts";
import type { ParkedEvent, RelayLease, RelayStore } from "../contracts/relay-store.ts";
import { orderKeyOf, type PageOutcome, type PagePublisher } from "./page.ts";
import type { Parking } from "./parking.ts";
import type { Underway } from "./underway.ts";

/*
 * One turn of the relay: parked events whose time has come, then a page of the outbox. A row leaves the outbox only
 * after the broker confirmed it, or in the transaction that parks it: whoever dies in between repeats, never loses.
 */

export interface TurnResult {
  /** Events that the broker confirmed in this turn. */
  readonly published: number;
  /** Events that were moved from the outbox to the parked ones. */
  readonly parked: number;
  /** The broker is at fault: wait before the next turn. Nothing was counted as an attempt. */
  readonly brokerDown: Error | undefined;
}

export interface TurnParts {
  readonly store: RelayStore;
  readonly pages: PagePublisher;
  readonly parking: Parking;
  readonly batchSize: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Throws when the lease is not ours any more, and when the relay ends. */
  readonly demandLease: () => void;
  readonly underway: Underway;
  readonly noteLag: (lagMs: number) => void;
}

export interface Turns {
  /** One turn under this lease; another epoch than last time reads the held keys anew. */
  take(lease: RelayLease): Promise<TurnResult>;
}

export function createTurns(parts: TurnParts): Turns {
  const { store, parking, batchSize } = parts;
  // Of which epoch `held` is; undefined when what the store holds is not known.
  let epoch: number | undefined;
  let held = new Set<string>();

  const readHeld = async (lease: RelayLease): Promise<void> => {
    held = new Set((await store.heldKeys(lease)).map(orderKeyOf));
    epoch = lease.epoch;
  };
  const publish = async (events: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    if (events.length === 0) return [];
    parts.demandLease();
    return parts.pages.publish(events);
  };

  const turnParked = async (lease: RelayLease): Promise<TurnResult> => {
    const due = await store.due(lease, parts.now(), batchSize);
    return due.length === 0 ? nothing : parts.underway.run(() => carryParked(lease, due));
  };
  const carryParked = async (lease: RelayLease, due: readonly ParkedEvent[]): Promise<TurnResult> => {
    const outcomes = new Map((await publish(due)).map((outcome) => [outcome.event.position, outcome]));
    for (const event of due) await parking.settle(lease, event, outcomes.get(event.position));
    await readHeld(lease);
    return { ...sumOf([...outcomes.values()]), parked: 0 };
  };

  const turnOutbox = async (lease: RelayLease): Promise<TurnResult> => {
    const page = await store.read(lease, batchSize);
    return page.length === 0 ? nothing : parts.underway.run(() => carryPage(lease, page));
  };
  const carryPage = async (lease: RelayLease, page: readonly StoredEvent[]): Promise<TurnResult> => {
    const waits = (event: StoredEvent) => event.key !== undefined && held.has(orderKeyOf(event));
    const outcomes = await publish(page.filter((event) => !waits(event)));
    const confirmed = outcomes.filter(({ status }) => status === "confirmed").map(({ event }) => event);
    if (confirmed.length > 0) await store.confirm(lease, confirmed);
    const parked = await parking.park(lease, outcomes, page.filter(waits));
    for (const key of parked.keys) held.add(key);
    noteLag(confirmed);
    return { ...sumOf(outcomes), parked: parked.count };
  };

  const noteLag = (confirmed: readonly StoredEvent[]): void => {
    if (confirmed.length === 0) return;
    const oldestMs = confirmed.reduce((oldest, { storedAtMs }) => Math.min(oldest, storedAtMs), Infinity);
    parts.noteLag(Math.max(0, parts.now() - oldestMs));
  };

  const turn = async (lease: RelayLease): Promise<TurnResult> => {
    if (epoch !== lease.epoch) await readHeld(lease);
    const parked = await turnParked(lease);
    if (parked.brokerDown !== undefined) return parked;
    const fresh = await turnOutbox(lease);
    return {
      published: parked.published + fresh.published,
      parked: fresh.parked,
      brokerDown: fresh.brokerDown,
    };
  };

  return {
    take: async (lease) => {
      try {
        return await turn(lease);
      } catch (error) {
        // What failed may have been done all the same: a key may be held now that we do not know of.
        epoch = undefined;
        throw error;
      }
    },
  };
}

const nothing: TurnResult = { published: 0, parked: 0, brokerDown: undefined };

function sumOf(outcomes: readonly PageOutcome[]): Pick<TurnResult, "published" | "brokerDown"> {
  return {
    published: outcomes.filter(({ status }) => status === "confirmed").length,
    brokerDown: outcomes.find((one) => one.status === "broker-down")?.error,
  };
}
