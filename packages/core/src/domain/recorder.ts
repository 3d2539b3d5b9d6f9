import type { DomainEvent } from "./domain-event.ts";
import { nextPlace, withPlaces } from "./recording-order.ts";

/** What a unit of work collects from: an aggregate that keeps what happened to it until it is asked. */
export interface RecordsEvents {
  /** What was recorded since the last call, in its order; it is forgotten here. Pass on what a recorder gives, as it is. */
  takeRecorded(): readonly DomainEvent[];
}

/** Keeps domain events for one aggregate. */
export interface Recorder extends RecordsEvents {
  /**
   * Keeps the events, in order.
   *
   * @throws TypeError for what is no domain event.
   */
  record(...events: readonly DomainEvent[]): void;
}

/** The recorder of one aggregate: a member of it, whose `takeRecorded` the aggregate passes on. */
export function createRecorder(): Recorder {
  let events: DomainEvent[] = [];
  let places: number[] = [];
  return {
    record: (...recorded) => {
      for (const event of recorded) refuseOthers(event);
      for (const event of recorded) {
        events.push(event);
        places.push(nextPlace());
      }
    },
    takeRecorded: () => {
      if (events.length === 0) return none; // asked far more often than there is anything
      const taken = withPlaces(events, places);
      events = [];
      places = [];
      return taken;
    },
  };
}

const none: readonly DomainEvent[] = Object.freeze([]);

function refuseOthers(event: unknown): void {
  const kind = typeof event === "object" && event !== null && "kind" in event ? event.kind : undefined;
  if (kind === "domain-event") return;
  const said =
    typeof event === "function"
      ? "a definition: call it with the data, as in OrderPaid({ … })"
      : kind === "event"
        ? "an integration event: publish it, or map a domain event to it"
        : "something that is no domain event";
  throw new TypeError(`record was given ${said}`);
}
