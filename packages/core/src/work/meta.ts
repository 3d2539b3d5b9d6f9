import type { Actor, Lineage } from "../envelope/lineage.ts";
import type { UnitMeta } from "./context.ts";
import { firstOf, type Occurrence } from "./occurrence.ts";
import type { RunOptions } from "./unit-options.ts";

/**
 * What events of a unit inherit: of the message being handled, but for what the run says itself. `conversation` is what
 * there is when neither names one.
 */
export function lineageOfUnit(
  conversation: string | undefined,
  outer: Lineage | undefined,
  options: RunOptions,
): Lineage {
  return {
    correlationid: options.correlationId ?? outer?.correlationid ?? conversation,
    causationid: outer?.causationid,
    tenant: options.tenant ?? outer?.tenant,
    actor: options.actor === undefined ? outer?.actor : actorNamed(options.actor),
    domainEvent: outer?.domainEvent,
  };
}

/** What events inherit that are published while a domain event is handled. */
export function lineageOfHandler(unit: Lineage, occurrence: Occurrence): Lineage {
  const { event } = occurrence;
  const correlationid = unit.correlationid ?? firstOf(occurrence).event.id;
  return { ...unit, correlationid, causationid: event.id, domainEvent: event.type };
}

export function metaOf(unitId: string, lineage: Lineage, traceparent: string | undefined): UnitMeta {
  return {
    unitId,
    correlationId: lineage.correlationid ?? unitId,
    causationId: lineage.causationid,
    actor: lineage.actor?.id,
    tenant: lineage.tenant,
    traceparent,
  };
}

function actorNamed(id: string): Actor {
  return { id, type: "unknown" };
}
