import type { StoredEvent } from "../contracts/outbox.ts";
import type { ParkedEvent, RelayLease, RelayStore } from "../contracts/relay-store.ts";
import { orderKeyOf } from "./order-key.ts";
import type { PageOutcome, PagePublisher } from "./page.ts";
import { boundsBeside, type Bounds } from "./page-bounds.ts";
import type { Parking, Settled } from "./parking.ts";
import type { Underway } from "./underway.ts";

/*
 * One turn of the relay: a page of the outbox and the parked events whose time has come, side by side, so that neither
 * waits for the other. A row leaves the outbox only after the broker confirmed it, or in the transaction that parks it:
 * whoever dies in between repeats, never loses.
 */

export interface TurnResult {
  /** Events that the broker confirmed in this turn, and that are gone from the store. */
  readonly published: number;
  /** Events that were moved from the outbox to the parked ones. */
  readonly parked: number;
  /** The broker is at fault: wait before the next turn. Nothing was counted as an attempt. */
  readonly brokerDown: Error | undefined;
  /** Milliseconds until the time of a parked event comes, as far as that is known. */
  readonly nextInMs: number | undefined;
}

export interface TurnParts {
  readonly store: RelayStore;
  readonly pages: PagePublisher;
  readonly parking: Parking;
  readonly bounds: Bounds;
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

/** What a turn has to do with. */
interface Work {
  readonly fresh: readonly StoredEvent[];
  readonly due: readonly ParkedEvent[];
  readonly nextInMs: number | undefined;
}

export function createTurns(parts: TurnParts): Turns {
  const { store, parking, bounds } = parts;
  // Of which epoch `held` is; undefined when what the store holds is not known.
  let epoch: number | undefined;
  let held = new Set<string>();

  const readHeld = async (lease: RelayLease): Promise<void> => {
    held = new Set((await store.heldKeys(lease)).map(orderKeyOf));
    epoch = lease.epoch;
  };
  const readWork = async (lease: RelayLease): Promise<Work> => {
    const whole = bounds.current();
    try {
      const fresh = await store.read(lease, whole);
      const { events, nextInMs } = await store.due(lease, boundsBeside(fresh, whole));
      bounds.passed();
      const free = (event: StoredEvent): boolean => !parking.isStuck(event);
      return { fresh: fresh.filter(free), due: events.filter(free), nextInMs };
    } catch (error) {
      bounds.failed();
      throw error;
    }
  };
  const publish = async (events: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    if (events.length === 0) return [];
    parts.demandLease();
    return parts.pages.publish(events);
  };

  const settle = async (
    lease: RelayLease,
    due: readonly ParkedEvent[],
    outcomes: readonly PageOutcome[],
  ): Promise<Settled> => {
    const settled = await parking.settle(lease, due, outcomes);
    for (const key of settled.freed) held.delete(orderKeyOf(key));
    return settled;
  };

  const carry = async (lease: RelayLease, { fresh, due, nextInMs }: Work): Promise<TurnResult> => {
    // A due event that holds nothing, since a person had it tried again, may have later ones of its key in this page.
    const alsoDue = keysOf(due);
    const behind = fresh.filter((event) => isOneOf(held, event));
    const leaving = fresh.filter((event) => !isOneOf(held, event) && !isOneOf(alsoDue, event));
    const [ofFresh, ofDue] = await Promise.all([publish(leaving), publish(due)]);
    const confirmed = ofFresh.filter(({ status }) => status === "confirmed").map(({ event }) => event);
    if (confirmed.length > 0) await store.confirm(lease, confirmed);
    const settled = await settle(lease, due, ofDue);
    // What a key has let go meanwhile stays in the outbox for the next turn.
    const waiting = behind.filter((event) => isOneOf(held, event));
    const parked = await parking.park(lease, ofFresh, waiting);
    for (const key of parked.keys) held.add(key);
    noteLag(confirmed);
    return {
      published: confirmed.length + settled.published,
      parked: parked.count,
      brokerDown: [...ofFresh, ...ofDue].find((one) => one.status === "broker-down")?.error,
      nextInMs: soonest(nextInMs, settled.nextInMs),
    };
  };

  const noteLag = (confirmed: readonly StoredEvent[]): void => {
    if (confirmed.length === 0) return;
    const oldestMs = confirmed.reduce((oldest, { storedAtMs }) => Math.min(oldest, storedAtMs), Infinity);
    parts.noteLag(Math.max(0, parts.now() - oldestMs));
  };

  const turn = async (lease: RelayLease): Promise<TurnResult> => {
    if (epoch !== lease.epoch) await readHeld(lease);
    const work = await readWork(lease);
    if (work.fresh.length + work.due.length === 0)
      return { published: 0, parked: 0, brokerDown: undefined, nextInMs: work.nextInMs };
    return parts.underway.run(() => carry(lease, work));
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

function keysOf(events: readonly StoredEvent[]): ReadonlySet<string> {
  return new Set(events.flatMap((event) => (event.key === undefined ? [] : [orderKeyOf(event)])));
}

function isOneOf(keys: ReadonlySet<string>, event: StoredEvent): boolean {
  return event.key !== undefined && keys.has(orderKeyOf(event));
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
