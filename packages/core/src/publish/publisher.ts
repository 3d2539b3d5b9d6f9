import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { PublishOutcome } from "../contracts/transport.ts";
import type { CloudEventLike } from "../envelope/cloud-event-like.ts";
import { encode, type ContentMode } from "../envelope/encode.ts";
import { sealForeign } from "../envelope/seal-foreign.ts";
import { partsOfDraft, type EventDraft } from "../event/draft.ts";
import { MessagingError, PublishError, toMessagingError } from "../errors.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Stamp } from "./stamp.ts";

/*
 * The direct way out: straight to the broker, for what does not belong to a change in a database. Before: nothing.
 * After: the broker confirmed. What belongs to a change goes through the outbox.
 */

export interface PublishOptions {
  /** Goes before the draft's and the definition's. */
  readonly key?: string | undefined;
  /** Gives up waiting; what was sent already may still arrive. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take in all, in milliseconds: waiting for room, sending, confirming. Default 30,000. */
  readonly deadlineMs?: number | undefined;
}

/** What became of one event of a batch. */
export type PublishResult =
  | { readonly status: "confirmed"; readonly id: string }
  /** `unknown`: the broker may have it all the same. */
  | {
      readonly status: "rejected" | "unknown";
      readonly id: string | undefined;
      readonly error: MessagingError;
    };

/** Publishes events. What a function that only sends should ask for. */
export interface Publisher {
  /**
   * Straight to the broker; resolves when the broker confirmed. Inside a unit of work use its own `publish`. Calls may
   * overlap; events of one key keep the order of the calls.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) before anything is sent; PublishError with `outcome` rejected or
   * unknown; MessagingError USAGE_INSIDE_TRANSACTION, USAGE_WRONG_KIND, USAGE_CLOSED.
   */
  publish(event: EventDraft, options?: PublishOptions): Promise<void>;
  /** Many at once: one result per event, in order. One bad event does not take the others with it. Never rejects for one. */
  publishBatch(events: readonly EventDraft[], options?: PublishOptions): Promise<readonly PublishResult[]>;
  /**
   * A CloudEvent from elsewhere, as it is: an instance of the `cloudevents` package, or a received message passed on.
   * `channel`: default, its type without the last two segments.
   *
   * @throws MessagingError CONTRACT_INVALID_EVENT listing everything wrong; PublishError like `publish`.
   */
  forward(
    event: CloudEventLike,
    options?: PublishOptions & { readonly channel?: string | undefined },
  ): Promise<void>;
}

export interface PublisherParts {
  readonly stamp: Stamp;
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly contentMode: ContentMode;
  readonly deadlineMs: number;
  /** Throws when the running code is inside a unit of work. */
  readonly refuseInsideUnit: (verb: string) => void;
}

export interface DirectPublisher extends Publisher {
  /** Events that were sealed elsewhere: what a handler without a store published. Rejects unless all are confirmed. */
  publishSealed(events: readonly SealedEvent[]): Promise<void>;
}

export function createPublisher(parts: PublisherParts): DirectPublisher {
  const { stamp, dispatcher, telemetry, contentMode } = parts;
  const order = createCallOrder();

  const dispatch = async (event: SealedEvent, options: PublishOptions): Promise<PublishOutcome> =>
    dispatcher.dispatch(encode(event, contentMode), {
      deadlineMs: options.deadlineMs ?? parts.deadlineMs,
      signal: options.signal,
    });

  const send = async (
    verb: string,
    facts: { readonly channel: string; readonly type: string },
    seal: (span: OutgoingSpan) => SealedEvent | Promise<SealedEvent>,
    options: PublishOptions,
  ): Promise<PublishResult> => {
    const span = telemetry.startPublish(facts);
    try {
      const event = await order.inTurn(() => seal(span));
      span.describe(event);
      const outcome = await dispatch(event, options);
      span.end(outcome.status === "confirmed" ? undefined : outcome.error);
      return resultOf(event, outcome);
    } catch (error) {
      span.end(error);
      return { status: "rejected", id: undefined, error: toMessagingError(error, "CONTRACT_INVALID_EVENT") };
    }
  };
  const sendDraft = (verb: string, draft: EventDraft, options: PublishOptions): Promise<PublishResult> => {
    const { definition } = partsOfDraft(draft, verb, "event");
    const facts = { channel: definition.channel, type: definition.type };
    return send(verb, facts, (span) => stamp.under(span, draft, verb, options.key), options);
  };

  return {
    publish: async (draft, options = {}) => {
      parts.refuseInsideUnit("publish");
      demandConfirmed(await sendDraft("publish", draft, checked(options)));
    },
    publishBatch: async (drafts, options = {}) => {
      parts.refuseInsideUnit("publishBatch");
      const bounds = checked(options);
      return Promise.all(drafts.map((draft) => sendDraft("publishBatch", draft, bounds)));
    },
    forward: async (event, options = {}) => {
      parts.refuseInsideUnit("forward");
      const sealed = sealForeign(event, options.channel);
      demandConfirmed(await send("forward", sealed, () => sealed, checked(options)));
    },
    publishSealed: async (events) => {
      const outcomes = await Promise.all(events.map((event) => dispatch(event, {})));
      for (const [index, event] of events.entries()) {
        const outcome = outcomes[index];
        if (outcome !== undefined) demandConfirmed(resultOf(event, outcome));
      }
    },
  };
}

function resultOf(event: SealedEvent, outcome: PublishOutcome): PublishResult {
  if (outcome.status === "confirmed") return { status: "confirmed", id: event.id };
  const context = { type: event.type, id: event.id, channel: event.channel };
  return {
    status: outcome.status,
    id: event.id,
    error: new PublishError(outcome.status, outcome.error, context),
  };
}

function demandConfirmed(result: PublishResult): void {
  if (result.status !== "confirmed") throw result.error;
}

function checked(options: PublishOptions): PublishOptions {
  const { deadlineMs } = options;
  if (deadlineMs === undefined || (deadlineMs > 0 && Number.isFinite(deadlineMs))) return options;
  throw new MessagingError("CONFIG_INVALID", "deadlineMs must be more than 0 milliseconds.");
}

/**
 * An asynchronous schema must not let a later call overtake an earlier one: while one is being sealed, those called
 * after it wait. With synchronous schemas nothing waits.
 */
function createCallOrder(): {
  inTurn(seal: () => SealedEvent | Promise<SealedEvent>): SealedEvent | Promise<SealedEvent>;
} {
  let last: Promise<unknown> | undefined;
  return {
    inTurn: (seal) => {
      const sealed = last === undefined ? seal() : last.then(seal);
      if (!(sealed instanceof Promise)) return sealed;
      const settled = sealed
        .catch(() => undefined)
        .then(() => {
          if (last === settled) last = undefined;
        });
      last = settled;
      return sealed;
    },
  };
}
