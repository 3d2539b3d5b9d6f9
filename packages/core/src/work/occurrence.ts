import type { DomainEvent } from "../domain/domain-event.ts";

/** A domain event in its unit of work: where it stands, and what led to it. */
export interface Occurrence {
  readonly event: DomainEvent;
  /** 1 for what the work recorded, and one more for what each handler records. */
  readonly depth: number;
  /** The one whose handler recorded this one. */
  readonly cause: Occurrence | undefined;
}

/** The event that the work recorded, from which this one came. */
export function firstOf(occurrence: Occurrence): Occurrence {
  return occurrence.cause === undefined ? occurrence : firstOf(occurrence.cause);
}

/** The types from the first event to this one, each caused by the one before. */
export function chainOf(occurrence: Occurrence): readonly string[] {
  const chain: string[] = [];
  for (let at: Occurrence | undefined = occurrence; at !== undefined; at = at.cause)
    chain.push(at.event.type);
  return chain.reverse();
}
