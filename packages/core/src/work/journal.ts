import type { JournalEntry } from "../contracts/journal.ts";
import { notSerializable } from "../envelope/serialize.ts";
import type { UnitMeta } from "./context.ts";
import type { Occurrence } from "./occurrence.ts";

/**
 * The domain events of one unit as its journal's entries, in the order of recording.
 *
 * @throws MessagingError CONTRACT_NOT_SERIALIZABLE for data that is no JSON.
 */
export function journalEntries(occurrences: readonly Occurrence[], meta: UnitMeta): readonly JournalEntry[] {
  return occurrences.map(({ event, depth, cause }, index) => ({
    unitId: meta.unitId,
    place: index + 1,
    id: event.id,
    type: event.type,
    data: jsonOf(event.type, event.data),
    occurredAt: event.occurredAt.toISOString(),
    depth,
    causedBy: cause?.event.id,
    correlationId: meta.correlationId,
    causationId: meta.causationId,
    actor: meta.actor,
    tenant: meta.tenant,
  }));
}

function jsonOf(type: string, data: unknown): string {
  try {
    return JSON.stringify(data) ?? "null";
  } catch (error) {
    throw notSerializable(type, "it holds a cycle or a BigInt, or a toJSON throws", error);
  }
}
