import type { DomainEvent } from "../domain/domain-event.ts";
import type { RecordsEvents } from "../domain/recorder.ts";
import { nextPlace, placesOf } from "../domain/recording-order.ts";
import { DomainEventCascadeError, MessagingError } from "../errors.ts";
import { guardCascade, type CascadeLimits } from "./cascade.ts";
import type { Occurrence } from "./occurrence.ts";

/*
 * What happened in one unit of work and is not handled yet, and what has changed and is not saved yet.
 *
 * An aggregate is dirty from the moment it is tracked, or tracked again, and from each event that it records, until it
 * is saved. Nobody can see whether an object was changed; so one that is tracked with a `save` is saved at least once,
 * since a change that is lost is worse than a write that changes nothing.
 */

type Save = () => Promise<void>;

interface Tracked {
  save: Save | undefined;
  dirty: boolean;
}

/** The events and aggregates of one unit of work. */
export interface Recorded {
  /** For events that no aggregate recorded. */
  record(events: readonly DomainEvent[], cause: Occurrence | undefined): void;
  /** From now on what it records is collected; with `save` it is saved while it is dirty. */
  track(aggregate: RecordsEvents, save: Save | undefined): void;
  /**
   * Saves what is dirty and collects what was recorded, until nothing is left of either. Events get `cause` unless they
   * know better.
   *
   * @throws DomainEventCascadeError
   */
  flush(cause: Occurrence | undefined): Promise<void>;
  /** The event that was recorded first of those that are left. */
  next(): Occurrence | undefined;
  /** All that were collected, in order. */
  all(): readonly Occurrence[];
  /** Their memory no longer equals the database: no unit takes them any more. */
  spoil(): void;
}

interface Loose {
  readonly event: DomainEvent;
  readonly place: number;
  readonly cause: Occurrence | undefined;
}

/** `stale`: the aggregates of units that failed, of all units of one messaging. */
export function createRecorded(limits: CascadeLimits, stale: WeakSet<object>): Recorded {
  const aggregates = new Map<RecordsEvents, Tracked>();
  const loose: Loose[] = [];
  const queue: Occurrence[] = [];
  let handled = 0;

  const collect = (cause: Occurrence | undefined): boolean => {
    const found = loose.splice(0);
    for (const [aggregate, tracked] of aggregates) {
      const events = takenFrom(aggregate);
      if (events.length === 0) continue;
      tracked.dirty = true;
      const places = placesOf(events);
      for (const [index, event] of events.entries()) {
        // Of a recorder that keeps no order of its own: as if recorded now.
        found.push({ event, place: places?.[index] ?? nextPlace(), cause });
      }
    }
    found.sort((a, b) => a.place - b.place);
    for (const { event, cause: by } of found) {
      const occurrence = { event, depth: (by?.depth ?? 0) + 1, cause: by };
      guardCascade(occurrence, queue.length + 1, limits);
      queue.push(occurrence);
    }
    return found.length > 0;
  };

  /** One pass over all of them; true when there was something to save. */
  const save = async (): Promise<boolean> => {
    let saved = false;
    for (const tracked of [...aggregates.values()]) {
      if (!tracked.dirty) continue;
      tracked.dirty = false; // before: what it records while it is saved makes it dirty again
      if (tracked.save === undefined) continue;
      saved = true;
      await tracked.save();
    }
    return saved;
  };

  return {
    record: (events, cause) => {
      for (const event of events) assertDomainEvent(event);
      for (const event of events) loose.push({ event, place: nextPlace(), cause });
    },
    track: (aggregate, save) => {
      if (typeof aggregate?.takeRecorded !== "function") throw notTrackable();
      if (stale.has(aggregate)) throw staleAggregate(aggregate);
      const known = aggregates.get(aggregate);
      aggregates.set(aggregate, { save: save ?? known?.save, dirty: true });
    },
    flush: async (cause) => {
      let more = true;
      for (let rounds = 0; more; rounds += 1) {
        if (rounds > limits.maxEvents) throw endlessSaves(limits);
        collect(cause);
        const saved = await save();
        more = collect(cause) || (saved && [...aggregates.values()].some(isWaiting));
      }
    },
    next: () => {
      const occurrence = queue[handled];
      if (occurrence !== undefined) handled += 1;
      return occurrence;
    },
    all: () => queue,
    spoil: () => {
      for (const aggregate of aggregates.keys()) stale.add(aggregate);
    },
  };
}

/** A `save` that tracks what it saves: without an event there is no chain to show. */
function endlessSaves({ maxEvents }: CascadeLimits): DomainEventCascadeError {
  return new DomainEventCascadeError(
    `Saving made aggregates dirty again more than ${maxEvents} times in one unit of work. Do not track inside of save.`,
    [],
    { maxEvents },
  );
}

function isWaiting({ dirty, save }: Tracked): boolean {
  return dirty && save !== undefined;
}

/** What an aggregate of the user's gives is looked at as anything from outside is. */
function takenFrom(aggregate: RecordsEvents): readonly DomainEvent[] {
  const events: unknown = aggregate.takeRecorded();
  if (!Array.isArray(events)) {
    throw new MessagingError(
      "USAGE_WRONG_KIND",
      `takeRecorded of '${nameOf(aggregate)}' must give an array of domain events. Pass on what the recorder gives.`,
    );
  }
  for (const event of events as readonly unknown[]) assertDomainEvent(event);
  return events as readonly DomainEvent[];
}

function assertDomainEvent(event: unknown): void {
  const kind = typeof event === "object" && event !== null && "kind" in event ? event.kind : undefined;
  if (kind === "domain-event") return;
  const said =
    typeof event === "function"
      ? "a definition: call it with the data, as in OrderPaid({ … })"
      : kind === "event"
        ? "an integration event: publish it, or map a domain event to it"
        : `${event === null ? "null" : typeof event}, not a domain event`;
  throw new MessagingError("USAGE_WRONG_KIND", `record was given ${said}.`);
}

function notTrackable(): MessagingError {
  return new MessagingError(
    "USAGE_WRONG_KIND",
    "track takes an aggregate with takeRecorded, such as one that passes on what createRecorder gives.",
  );
}

function staleAggregate(aggregate: object): MessagingError {
  return new MessagingError(
    "USAGE_STALE_AGGREGATE",
    `This '${nameOf(aggregate)}' took part in a unit of work that was rolled back: it no longer equals what is stored. Load it anew, inside the unit.`,
  );
}

function nameOf(aggregate: object): string {
  return (aggregate.constructor?.name ?? "") || "object";
}
