import { DomainEventCascadeError } from "../errors.ts";
import { chainOf, type Occurrence } from "./occurrence.ts";

/** How far domain events may lead to further ones. */
export interface CascadeLimits {
  /** Events on the longest way from the work to an event. */
  readonly maxDepth: number;
  /** Events of one unit of work. */
  readonly maxEvents: number;
}

/**
 * Throws when this event, the `count`th of its unit, is too deep or one too many.
 *
 * @throws DomainEventCascadeError (HANDLER_CASCADE) with the chain of types.
 */
export function guardCascade(occurrence: Occurrence, count: number, limits: CascadeLimits): void {
  const { maxDepth, maxEvents } = limits;
  if (occurrence.depth > maxDepth) {
    throw cascadeError(
      `Domain events lead to further ones more than ${maxDepth} levels deep`,
      occurrence,
      limits,
    );
  }
  if (count > maxEvents) {
    throw cascadeError(`One unit of work recorded more than ${maxEvents} domain events`, occurrence, limits);
  }
}

function cascadeError(what: string, occurrence: Occurrence, limits: CascadeLimits): DomainEventCascadeError {
  const chain = chainOf(occurrence);
  return new DomainEventCascadeError(
    `${what}: ${printed(chain)}. Break the circle, or raise the limit where this is meant.`,
    chain,
    { ...limits, depth: occurrence.depth },
  );
}

const shownTypes = 24;

/** The last ones of a long chain: a circle shows in them. */
function printed(chain: readonly string[]): string {
  const shown = chain.slice(-shownTypes).map((type) => type.slice(0, 100));
  return `${chain.length > shown.length ? "… → " : ""}${shown.join(" → ")}`;
}
