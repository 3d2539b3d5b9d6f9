import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { LineageScope } from "../envelope/lineage.ts";
import type { Sealer } from "../envelope/seal.ts";
import { partsOfDraft, type DraftParts, type EventDraft } from "../event/draft.ts";
import { baggageExtension } from "../telemetry/baggage.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";

/** Seals drafts with what the moment adds: the lineage of the message being handled, the trace, the baggage. */
export interface Stamp {
  /**
   * For the outbox: each draft gets a span of its own, whose context its row keeps. With synchronous schemas all of it
   * happens in the call, so that calls that nobody awaited keep their order.
   */
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
  const contextOf = (span: OutgoingSpan, key?: string) => ({
    lineage: lineage.current(),
    trace: span.trace,
    key,
  });
  const create = (draft: EventDraft, verb: string) => {
    const parts = partsOfDraft(draft, verb, "event");
    const span = telemetry.startCreate({ channel: parts.definition.channel, type: draft.type });
    return { parts: withBaggage(parts, span), span };
  };

  const seal = (draft: EventDraft, verb: string): SealedEvent | Promise<SealedEvent> => {
    const { parts, span } = create(draft, verb);
    return endWith(span, () => sealer.seal(draft, parts, contextOf(span)));
  };
  const sealSync = (draft: EventDraft, verb: string): SealedEvent => {
    const { parts, span } = create(draft, verb);
    return endWith(span, () => sealer.sealSync(draft, parts, contextOf(span)));
  };

  return {
    forOutbox: async (drafts, verb) => {
      const events: SealedEvent[] = [];
      for (const draft of drafts) {
        const event = seal(draft, verb);
        events.push(event instanceof Promise ? await event : event);
      }
      return events;
    },
    forOutboxSync: (drafts, verb) => drafts.map((draft) => sealSync(draft, verb)),
    under: (span, draft, verb, key) => {
      const parts = withBaggage(partsOfDraft(draft, verb, "event"), span);
      return sealer.seal(draft, parts, contextOf(span, key));
    },
  };
}

/** Ends the span with what sealing came to, now or later. */
function endWith<R extends SealedEvent | Promise<SealedEvent>>(span: OutgoingSpan, seal: () => R): R {
  try {
    const sealed = seal();
    if (sealed instanceof Promise) void sealed.then((event) => endOf(span, event), span.end);
    else endOf(span, sealed);
    return sealed;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

function endOf(span: OutgoingSpan, event: SealedEvent): void {
  span.describe(event);
  span.end();
}

function withBaggage(parts: DraftParts, span: OutgoingSpan): DraftParts {
  if (span.baggage === undefined) return parts;
  const extensions = { [baggageExtension]: span.baggage, ...parts.options.extensions };
  return { ...parts, options: { ...parts.options, extensions } };
}
