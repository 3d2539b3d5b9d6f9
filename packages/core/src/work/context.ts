import type { Clock } from "../contracts/clock.ts";
import type { DomainEvent } from "../domain/domain-event.ts";
import type { RecordsEvents } from "../domain/recorder.ts";
import type { CommandDraft, EventDraft } from "../event/draft.ts";
import type { LateDrafts } from "./outgoing.ts";

/** Where a unit of work stands in a conversation, and on whose behalf it works. */
export interface UnitMeta {
  /** Of this run of the unit: a UUIDv7, which the journal's rows carry, too. */
  readonly unitId: string;
  readonly correlationId: string;
  /** In a handler of a domain event that event's id, else the id of the message being handled, if any. */
  readonly causationId: string | undefined;
  /** Whom to name in an audit trail. Told by whoever sent the message: never a proof. */
  readonly actor: string | undefined;
  readonly tenant: string | undefined;
  /** W3C trace context of the span that ran when the unit, or the handler, began; undefined without tracing. */
  readonly traceparent: string | undefined;
}

// Function properties, not methods: made to be destructured.
/** The verbs of a unit of work, in the work itself, in handlers of domain events and in handlers of messages. */
export interface UnitVerbs<Tx> {
  readonly meta: UnitMeta;
  /**
   * Events that leave if this unit commits. Sealed and validated at its end, with the data as it is then: what is
   * changed after the call travels changed, which is not so with `messaging.publish`. Pass a copy of what still changes.
   *
   * @throws MessagingError USAGE_UNIT_CLOSED when the unit has ended; USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE.
   */
  readonly publish: (...events: readonly EventDraft[]) => void;
  /**
   * A command that leaves if this unit commits, to the one consumer that owns it. Sealed and validated at the end of the
   * unit, like events, and in order with them.
   *
   * @throws MessagingError USAGE_UNIT_CLOSED when the unit has ended; USAGE_WRONG_KIND; OptionsError (CONFIG_INVALID).
   */
  readonly send: (command: CommandDraft, options: UnitSendOptions) => void;
  /** Built after the last handler of a domain event has finished, from the latest state; undefined for nothing. */
  readonly publishLater: (build: LateDrafts) => void;
  /**
   * Domain events that no aggregate recorded. Handled before this unit commits, in the order of recording.
   *
   * @throws MessagingError USAGE_RECORDED_TOO_LATE in publishLater, USAGE_UNIT_CLOSED when the unit has ended.
   */
  readonly record: (...events: readonly DomainEvent[]) => void;
  /**
   * Collects what the aggregate records from now on, and what it had recorded before. With `save` it is saved when the
   * work is done, before its events are handled, and again whenever it records more or is tracked again: a change that
   * records nothing, made after the first save, needs a `track` of its own. Gives the aggregate back.
   *
   * @throws MessagingError USAGE_STALE_AGGREGATE for one of a unit that was rolled back; USAGE_RECORDED_TOO_LATE.
   */
  readonly track: <A extends RecordsEvents>(
    aggregate: A,
    save?: (aggregate: A, tx: Tx) => Promise<void>,
  ) => A;
  /** Runs after COMMIT, best effort: a failure is logged, and a crash in between skips it. */
  readonly afterCommit: (hook: () => void | Promise<void>) => void;
}

/** What one command inside a unit decides. */
export interface UnitSendOptions {
  /** The consumer that owns the command: its name. */
  readonly to: string;
  /** Ordering key; goes before the draft's and the definition's. */
  readonly key?: string | undefined;
}

/** What the work of a unit gets. */
export interface UnitOfWork<Tx> extends UnitVerbs<Tx> {
  /** The open transaction, in the user's own library's type. Ended with the unit. */
  readonly tx: Tx;
}

/** What a handler of a domain event gets: the unit that recorded the event, on the same transaction. */
export interface DomainContext<Tx> extends UnitOfWork<Tx> {
  /** 1 for an event that the work recorded, and one more for what each handler records. */
  readonly depth: number;
  /** The domain event whose handler recorded this one. */
  readonly causedBy: DomainEvent | undefined;
  readonly clock: Clock;
  /** Of the run, or of the message being handled: time-out, shutdown, loss of the delivery. */
  readonly signal: AbortSignal;
}
