import type { Actor, Lineage } from "../envelope/lineage.ts";
import type { UnitMeta } from "./context.ts";
import type { Occurrence } from "./occurrence.ts";
import type { RunOptions } from "./unit-options.ts";

/** What events of a unit inherit: of the message being handled, but for what the run says itself. */
export function lineageOfUnit(unitId: string, outer: Lineage | undefined, options: RunOptions): Lineage {
  return {
    correlationid: options.correlationId ?? outer?.correlationid ?? unitId,
    causationid: outer?.causationid,
    tenant: options.tenant ?? outer?.tenant,
    actor: options.actor === undefined ? outer?.actor : actorNamed(options.actor),
    domainEvent: outer?.domainEvent,
  };
}

/** What events inherit that are published while a domain event is handled. */
export function lineageOfHandler(unit: Lineage, { event }: Occurrence): Lineage {
  return { ...unit, causationid: event.id, domainEvent: event.type };
}

export function metaOf(unitId: string, lineage: Lineage, traceparent: string | undefined): UnitMeta {
  return {
    unitId,
    correlationId: lineage.correlationid,
    causationId: lineage.causationid,
    actor: lineage.actor?.id,
    tenant: lineage.tenant,
    traceparent,
  };
}

function actorNamed(id: string): Actor {
  return { id, type: "unknown" };
}
