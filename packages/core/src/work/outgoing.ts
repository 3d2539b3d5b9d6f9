import { partsOfDraft, type EventDraft } from "../event/draft.ts";
import type { Occurrence } from "./occurrence.ts";

/** Drafts built after everything else has been done, from the latest state. */
export type LateDrafts = () =>
  | EventDraft
  | readonly EventDraft[]
  | undefined
  | Promise<EventDraft | readonly EventDraft[] | undefined>;

/** A draft that leaves with the unit, and the domain event in whose handler it was published. */
export interface Outgoing {
  readonly draft: EventDraft;
  readonly cause: Occurrence | undefined;
}

/** A builder that waits for the end, and where it was left. */
export interface LateBuild {
  readonly build: LateDrafts;
  readonly cause: Occurrence | undefined;
}

/** Adds drafts in the order given. Refused here, where the caller's line is on the stack; sealing would find it too. */
export function addDrafts(
  into: Outgoing[],
  drafts: readonly EventDraft[],
  cause: Occurrence | undefined,
  verb: string,
): void {
  for (const draft of drafts) partsOfDraft(draft, verb, "event");
  for (const draft of drafts) into.push({ draft, cause }); // so many at once as arguments would be too much for the stack
}

/** What a late builder gave, as a list. */
export function listOf(built: EventDraft | readonly EventDraft[] | undefined): readonly EventDraft[] {
  if (built === undefined) return [];
  return isMany(built) ? built : [built];
}

function isMany(built: EventDraft | readonly EventDraft[]): built is readonly EventDraft[] {
  return Array.isArray(built);
}
