import { createAbortWatch } from "../abort-watch.ts";
import type { Clock } from "../contracts/clock.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { PublishOutcome } from "../contracts/transport.ts";
import type { CloudEventLike } from "../envelope/cloud-event-like.ts";
import { encode, type ContentMode } from "../envelope/encode.ts";
import { sealForeign } from "../envelope/seal-foreign.ts";
import { partsOfDraft, withKey, type CommandDraft, type EventDraft } from "../event/draft.ts";
import { MessagingError, OptionsError, PublishError, toMessagingError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../options/names.ts";
import { addressed, problemsOfOwner } from "../request/address.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";
import { createAlive } from "./alive.ts";
import { bounded } from "./bounded.ts";
import { createCallOrder } from "./call-order.ts";
import type { DispatchBounds, Dispatcher } from "./dispatcher.ts";
import type { Stamp } from "./stamp.ts";

/*
 * The direct way out: straight to the broker, for what does not belong to a change in a database. Before: nothing.
 * After: the broker confirmed. What belongs to a change goes through the outbox.
 */

/** What one publish decides for itself. */
export interface PublishOptions {
  /** Goes before the draft's and the definition's. */
  readonly key?: string | undefined;
  /**
   * Gives up waiting; what was sent already may still arrive. One that has fired before the call: nothing is done, and
   * the call rejects with the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take in all, in milliseconds: validating, waiting for room, sending, confirming. Default 30,000. */
  readonly deadlineMs?: number | undefined;
}

/** What one command decides. */
export interface SendOptions extends PublishOptions {
  /** The consumer that owns the command: its name. */
  readonly to: string;
}

/** What one forward decides: nothing of the event itself, whose key is its `partitionkey`. */
export interface ForwardOptions extends Omit<PublishOptions, "key"> {
  /** Where it goes. Default: the type without its last two segments. */
  readonly channel?: string | undefined;
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
   * Straight to the broker; resolves when the broker confirmed. Inside a unit of work use its own `publish`. The data is
   * taken at the call, or when an asynchronous schema has answered. Calls may overlap; events of one key and channel keep the order of the calls, whatever time their schemas take. Keeps the
   * process alive until then, and no longer.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) before anything is sent; PublishError with `outcome` rejected or
   * unknown; MessagingError USAGE_INSIDE_TRANSACTION, USAGE_WRONG_KIND, USAGE_CLOSED; OptionsError (CONFIG_INVALID);
   * the reason of a signal that had fired before.
   */
  publish(event: EventDraft, options?: PublishOptions): Promise<void>;
  /**
   * A command, straight to the one consumer that owns it; resolves when the broker confirmed. Otherwise like `publish`.
   * Nobody waits for an answer: `request` does.
   */
  send(command: CommandDraft, options: SendOptions): Promise<void>;
  /** Many at once: one result per event, in order. One bad event does not take the others with it. Never rejects for one. */
  publishBatch(events: readonly EventDraft[], options?: PublishOptions): Promise<readonly PublishResult[]>;
  /**
   * A CloudEvent from elsewhere, as it is: an instance of the `cloudevents` package, or a received message passed on.
   *
   * @throws MessagingError CONTRACT_INVALID_EVENT listing everything wrong; the others like `publish`.
   */
  forward(event: CloudEventLike, options?: ForwardOptions): Promise<void>;
}

export interface PublisherParts {
  readonly stamp: Stamp;
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly contentMode: ContentMode;
  readonly deadlineMs: number;
  /** The unit of work that the running code is inside of. */
  readonly insideUnit: () => SurroundingUnit | undefined;
}

/** As much of a unit of work as a direct publish needs to know of it. */
export interface SurroundingUnit {
  readonly publish: (event: EventDraft) => void;
  /** It takes what is published directly; else that is refused. */
  readonly reroutes: boolean;
}

export interface DirectPublisher extends Publisher {
  /** Events that were sealed elsewhere: what a handler without a store published. Rejects unless all are confirmed. */
  publishSealed(events: readonly SealedEvent[]): Promise<void>;
}

/** Where an event goes, known before it is sealed. */
type Heading = Pick<SealedEvent, "channel" | "type">;
type Seal = (span: OutgoingSpan) => SealedEvent | Promise<SealedEvent>;

export function createPublisher(parts: PublisherParts): DirectPublisher {
  const { stamp, dispatcher, telemetry, clock, contentMode } = parts;
  const order = createCallOrder();
  const alive = createAlive();
  const waits = { clock, watch: createAbortWatch() };
  const boundsOf = ({ deadlineMs = parts.deadlineMs, signal }: PublishOptions): DispatchBounds => ({
    deadlineAtMs: clock.monotonicMs() + deadlineMs,
    signal,
  });

  const send = async (heading: Heading, seal: Seal, bounds: DispatchBounds): Promise<PublishResult> => {
    const span = telemetry.startPublish(heading);
    const waiting = <W>(wait: Promise<W>) => bounded(wait, `The publish of '${heading.type}'`, bounds, waits);
    const go = async (event: SealedEvent): Promise<PublishResult> => {
      span.describe(event);
      const outcome = await dispatcher.dispatch(encode(event, contentMode), bounds);
      span.end(outcome.status === "confirmed" ? undefined : outcome.error);
      return resultOf(event, outcome);
    };
    alive.begin();
    try {
      return await order.inTurn(heading.channel, seal(span), waiting, go);
    } catch (error) {
      span.end(error);
      return refused(error, heading);
    } finally {
      alive.end();
    }
  };

  const sendDraft = (verb: string, draft: EventDraft, options: PublishOptions): Promise<PublishResult> => {
    try {
      const { definition } = partsOfDraft(draft, verb, "event");
      const seal: Seal = (span) => stamp.under(span, draft, verb, options.key);
      return send(definition, seal, boundsOf(options));
    } catch (error) {
      return Promise.resolve(refused(error));
    }
  };

  const publishOne = async (
    verb: string,
    draftOf: () => EventDraft,
    options: PublishOptions,
  ): Promise<void> => {
    const unit = parts.insideUnit();
    if (unit?.reroutes !== true) refuseInside(unit, verb);
    options.signal?.throwIfAborted();
    const draft = draftOf();
    if (unit === undefined) demandConfirmed(await sendDraft(verb, draft, options));
    else unit.publish(options.key === undefined ? draft : withKey(draft, verb, options.key));
  };

  return {
    publish: async (draft, options = noOptions) => {
      assertPublishOptions("publish", options, publishNames);
      await publishOne("publish", () => draft, options);
    },
    send: async (command, options) => {
      assertPublishOptions("send", options ?? {}, sendNames, problemsOfOwner(options?.to));
      const { to, ...own } = options;
      await publishOne("send", () => addressed(command, "send", ["command"], { to, key: own.key }), own);
    },
    publishBatch: async (drafts, options = noOptions) => {
      refuseInside(parts.insideUnit(), "publishBatch");
      assertPublishOptions("publishBatch", options, publishNames);
      options.signal?.throwIfAborted();
      if (!Array.isArray(drafts))
        throw new MessagingError("USAGE_WRONG_KIND", "publishBatch takes an array of drafts.");
      return Promise.all(drafts.map((draft: EventDraft) => sendDraft("publishBatch", draft, options)));
    },
    forward: async (event, options = noOptions) => {
      refuseInside(parts.insideUnit(), "forward");
      assertPublishOptions("forward", options, forwardNames);
      options.signal?.throwIfAborted();
      const sealed = sealForeign(event, options.channel);
      demandConfirmed(await send(sealed, () => sealed, boundsOf(options)));
    },
    publishSealed: async (events) => {
      const bounds = boundsOf(noOptions);
      alive.begin();
      try {
        const results = await Promise.all(
          events.map(async (event) =>
            resultOf(event, await dispatcher.dispatch(encode(event, contentMode), bounds)),
          ),
        );
        for (const result of results) demandConfirmed(result);
      } finally {
        alive.end();
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

/** What never became an event, or was not ready to leave in time. */
function refused(thrown: unknown, heading?: Heading): PublishResult {
  const error = toMessagingError(thrown, "CONTRACT_INVALID_EVENT");
  const late = heading !== undefined && error.code === "TRANSPORT_DEADLINE";
  const context = { type: heading?.type, channel: heading?.channel };
  return {
    status: "rejected",
    id: undefined,
    error: late ? new PublishError("rejected", error, context) : error,
  };
}

function refuseInside(unit: SurroundingUnit | undefined, verb: string): void {
  if (unit === undefined) return;
  throw new MessagingError(
    "USAGE_INSIDE_TRANSACTION",
    `${verb} was called inside a unit of work: the event could leave although its change is rolled back. Use the publish of the unit or of the handler's context.`,
  );
}

function demandConfirmed(result: PublishResult): void {
  if (result.status !== "confirmed") throw result.error;
}

const publishNames: OptionNames<PublishOptions> = { key: true, signal: true, deadlineMs: true };
const sendNames: OptionNames<SendOptions> = { ...publishNames, to: true };
const forwardNames: OptionNames<ForwardOptions> = { signal: true, deadlineMs: true, channel: true };

const noOptions: PublishOptions = Object.freeze({});

/** With every message: what has no options costs nothing. */
function assertPublishOptions(
  verb: string,
  options: PublishOptions | ForwardOptions,
  names: Readonly<Record<string, true>>,
  others: readonly string[] = [],
): void {
  if (options === noOptions) return;
  if (!isOptions(options)) throw new OptionsError(verb, [noObject]);
  const problems = [...problemsOfNames(options, names), ...others];
  const { deadlineMs, signal } = options;
  if (
    deadlineMs !== undefined &&
    !(typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs < Infinity)
  )
    problems.push("deadlineMs: must be more than 0 milliseconds");
  if (signal !== undefined && !(signal instanceof AbortSignal))
    problems.push("signal: must be an AbortSignal");
  if (problems.length > 0) throw new OptionsError(verb, problems);
}
