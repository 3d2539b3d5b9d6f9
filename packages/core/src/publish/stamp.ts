import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { LineageScope } from "../envelope/lineage.ts";
import type { Sealer } from "../envelope/seal.ts";
import { partsOfDraft, type DraftParts, type EventDraft } from "../event/draft.ts";
import { baggageExtension } from "../telemetry/baggage.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";

/** Seals drafts with what the moment adds: the lineage of the message being handled, the trace, the baggage. */
export interface Stamp {
  /** For the outbox: each draft gets a span of its own, whose context its row keeps. */
  forOutbox(drafts: readonly EventDraft[], verb: string): Promise<readonly SealedEvent[]>;
  /** Like `forOutbox`, where nothing can be awaited. */
  forOutboxSync(drafts: readonly EventDraft[], verb: string): readonly SealedEvent[];
  /** For a direct publish, under a span that the caller ends. */
  under(
    span: OutgoingSpan,
    draft: EventDraft,
    verb: string,
    key?: string,
  ): SealedEvent | Promise<SealedEvent>;
}

export function createStamp(sealer: Sealer, lineage: LineageScope, telemetry: Telemetry): Stamp {
  const contextOf = (span: OutgoingSpan, key: string | undefined) => ({
    lineage: lineage.current(),
    trace: span.trace,
    key,
  });

  const create = <R>(
    draft: EventDraft,
    verb: string,
    seal: (parts: DraftParts, span: OutgoingSpan) => R,
  ): R => {
    const parts = partsOfDraft(draft, verb, "event");
    const span = telemetry.startCreate({ channel: parts.definition.channel, type: draft.type });
    return seal(withBaggage(parts, span), span);
  };
  const ended = (span: OutgoingSpan, event: SealedEvent): SealedEvent => {
    span.describe(event);
    span.end();
    return event;
  };

  return {
    forOutbox: async (drafts, verb) => {
      const events: SealedEvent[] = [];
      for (const draft of drafts) {
        events.push(
          await create(draft, verb, async (parts, span) => {
            try {
              return ended(span, await sealer.seal(draft, parts, contextOf(span, undefined)));
            } catch (error) {
              span.end(error);
              throw error;
            }
          }),
        );
      }
      return events;
    },
    forOutboxSync: (drafts, verb) =>
      drafts.map((draft) =>
        create(draft, verb, (parts, span) => {
          try {
            return ended(span, sealer.sealSync(draft, parts, contextOf(span, undefined)));
          } catch (error) {
            span.end(error);
            throw error;
          }
        }),
      ),
    under: (span, draft, verb, key) => {
      const parts = withBaggage(partsOfDraft(draft, verb, "event"), span);
      return sealer.seal(draft, parts, contextOf(span, key));
    },
  };
}

function withBaggage(parts: DraftParts, span: OutgoingSpan): DraftParts {
  if (span.baggage === undefined) return parts;
  const extensions = { [baggageExtension]: span.baggage, ...parts.options.extensions };
  return { ...parts, options: { ...parts.options, extensions } };
}
