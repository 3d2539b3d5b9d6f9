import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { Store } from "../contracts/store.ts";
import type { IsolationLevel } from "../contracts/transaction.ts";
import type { RecordsEvents } from "../domain/recorder.ts";
import type { Lineage, LineageScope } from "../envelope/lineage.ts";
import { isMessagingError, MessagingError, toError } from "../errors.ts";
import type { EventDraft } from "../event/draft.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { AmbientUnits } from "./ambient.ts";
import type { DomainContext, UnitOfWork } from "./context.ts";
import { dispatch, type Call } from "./dispatch.ts";
import type { HandlerTable } from "./handler-table.ts";
import { journalEntries } from "./journal.ts";
import { lineageOfHandler, lineageOfUnit, metaOf } from "./meta.ts";
import type { Occurrence } from "./occurrence.ts";
import { addDrafts, listOf, type LateBuild, type Outgoing } from "./outgoing.ts";
import { commandTo } from "../request/command.ts";
import { createRecorded } from "./recorded.ts";
import type { RunOptions, UnitSettings } from "./unit-options.ts";

/*
 * One unit of work, from its first verb to its end: a handler's, or one that the user runs. Its steps, in this order:
 * the work; `settle`, until no domain event is left; `seal`, late builders and all; `write`, the last statements before
 * COMMIT. Nothing of it is durable before that, and a unit that is run again is a new one.
 */

/** What all units of one messaging share. */
export interface UnitParts {
  readonly ambient: Pick<AmbientUnits<UnitOfWork<unknown>>, "run" | "end">;
  readonly lineage: LineageScope;
  readonly seal: (drafts: readonly EventDraft[]) => Promise<readonly SealedEvent[]>;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  /** Aggregates of units that failed. */
  readonly stale: WeakSet<object>;
}

/** A unit of work as its runner sees it. */
export interface OpenUnit<Tx> {
  readonly handle: UnitOfWork<Tx>;
  /** Runs `work`, `settle` and `seal` as those who are inside of the unit. */
  run<R>(work: () => R): R;
  /** Dispatches domain events until none is left and nothing is dirty. */
  settle(): Promise<void>;
  /**
   * Builds what is late and seals everything, in the order it was published. Call once, last.
   *
   * @throws MessagingError USAGE_ROLLBACK_ONLY when a unit inside this one failed.
   */
  seal(): Promise<readonly SealedEvent[]>;
  /** The journal, then the outbox rows, one statement each. True when there are rows to relay. */
  write(store: Store<Tx>, events: readonly SealedEvent[]): Promise<boolean>;
  /** Runs the hooks one after another; never throws. */
  runHooks(onFailure: (error: Error) => void): Promise<void>;
  /** Nothing is taken any more. */
  close(): void;
  /** It was rolled back, or nobody knows: its aggregates go into no other unit. */
  spoil(): void;
  /** Nobody is inside of it any more. */
  leave(): void;
}

/** What a unit inside another, and a direct publish, need of it, and a user does not. */
export interface UnitLink {
  readonly isolation: IsolationLevel | undefined;
  readonly directPublish: "throw" | "reroute";
  readonly rollbackOnly: (cause: unknown) => void;
  readonly addHandlers: (table: HandlerTable) => void;
}

const linkKey: unique symbol = Symbol("how others join this unit");

interface LinkedUnit<Tx> extends UnitOfWork<Tx> {
  readonly [linkKey]: UnitLink;
}

/** The other side of a unit's handle. */
export function linkOf(unit: UnitOfWork<unknown>): UnitLink | undefined {
  return linkKey in unit ? (unit as LinkedUnit<unknown>)[linkKey] : undefined;
}

type Phase = "working" | "building" | "closed";

export function openUnit<Tx>(
  parts: UnitParts,
  tx: Tx,
  settings: UnitSettings,
  options: RunOptions,
  begun: "by a run" | "by messages",
): OpenUnit<Tx> {
  const unitId = parts.newId();
  // A run is one conversation. The messages of a batch are not: what they lead to begins one each.
  const conversation = begun === "by a run" ? unitId : undefined;
  const lineage = lineageOfUnit(conversation, parts.lineage.current(), options);
  const recorded = createRecorded(settings.limits, parts.stale);
  const outgoing: Outgoing[] = [];
  const late: LateBuild[] = [];
  const hooks: (() => void | Promise<void>)[] = [];
  let table = settings.table;
  let phase: Phase = "working";
  let current: Occurrence | undefined;
  let noSignal: AbortSignal | undefined;
  let failedInside: { readonly cause: unknown } | undefined;

  const assertOpen = (verb: string): void => {
    if (phase === "closed") throw closedError(verb);
  };
  const assertWorking = (verb: string): void => {
    assertOpen(verb);
    if (phase === "building") throw tooLate(verb);
  };
  const refuseHalf = (): void => {
    if (failedInside !== undefined) throw rollbackOnlyError(failedInside.cause);
  };

  /** What the unit offers; inside a handler of a domain event with that event as the cause. */
  const verbs = (inherited: Lineage, own?: Occurrence): UnitOfWork<Tx> => ({
    tx,
    meta: metaOf(unitId, inherited, parts.telemetry.traceparent()),
    publish: (...drafts) => {
      assertOpen("publish");
      addDrafts(outgoing, drafts, own ?? current, "publish");
    },
    send: (command, sendOptions) => {
      assertOpen("send");
      addDrafts(outgoing, [commandTo(command, sendOptions)], own ?? current, "send");
    },
    publishLater: (build) => {
      assertOpen("publishLater");
      late.push({ build, cause: own ?? current });
    },
    record: (...events) => {
      assertWorking("record");
      recorded.record(events, own ?? current);
    },
    track: <A extends RecordsEvents>(aggregate: A, save?: (aggregate: A, tx: Tx) => Promise<void>): A => {
      assertWorking("track");
      recorded.track(aggregate, save && (() => save(aggregate, tx)));
      return aggregate;
    },
    afterCommit: (hook) => {
      assertOpen("afterCommit");
      hooks.push(hook);
    },
  });

  /** The handlers of one event share what they inherit, and their context. */
  const enter = (occurrence: Occurrence, work: (call: Call) => Promise<void>): Promise<void> => {
    current = occurrence;
    const own = lineageOfHandler(lineage, occurrence);
    const context: DomainContext<Tx> = {
      ...verbs(own, occurrence),
      depth: occurrence.depth,
      causedBy: occurrence.cause?.event,
      clock: parts.clock,
      signal: options.signal ?? (noSignal ??= new AbortController().signal),
    };
    return parts.lineage.run(own, () => work((handler) => handler.call(occurrence.event, context)));
  };

  const link: UnitLink = {
    isolation: options.isolation,
    directPublish: settings.directPublish,
    rollbackOnly: (cause) => {
      failedInside ??= { cause };
    },
    addHandlers: (more) => {
      table = table.with(more);
    },
  };
  const handle: UnitOfWork<Tx> = Object.defineProperty(verbs(lineage), linkKey, { value: link });

  return {
    handle,
    run: (work) => parts.ambient.run(handle, () => parts.lineage.run(lineage, work)),
    settle: () =>
      dispatch({
        recorded,
        table: () => table,
        unhandled: settings.unhandled,
        enter,
        assertGoing: () => {
          refuseHalf();
          options.signal?.throwIfAborted();
        },
        telemetry: parts.telemetry,
        logger: parts.logger,
      }),
    seal: async () => {
      refuseHalf();
      phase = "building";
      // A late builder may add another one; each sees what the ones before it did.
      for (const { build, cause } of late) {
        current = cause;
        addDrafts(outgoing, listOf(await build()), cause, "publishLater");
      }
      refuseHalf(); // a late builder may have run a unit of its own
      phase = "closed";
      return sealAll(parts, lineage, outgoing);
    },
    write: async (store, events) => {
      const happened = recorded.all();
      if (settings.journal && happened.length > 0)
        await store.journal?.append(tx, journalEntries(happened, metaOf(unitId, lineage, undefined)));
      if (events.length > 0) await store.outbox.append(tx, events);
      return events.length > 0;
    },
    runHooks: async (onFailure) => {
      for (const hook of hooks) {
        try {
          await hook();
        } catch (error) {
          onFailure(toError(error));
        }
      }
    },
    close: () => {
      phase = "closed";
    },
    spoil: recorded.spoil,
    leave: () => parts.ambient.end(handle),
  };
}

/** Each with what it inherits; those of one cause together. */
async function sealAll(
  { lineage: scope, seal }: UnitParts,
  lineage: Lineage,
  outgoing: readonly Outgoing[],
): Promise<readonly SealedEvent[]> {
  const events: SealedEvent[] = [];
  for (let at = 0; at < outgoing.length;) {
    const cause = outgoing[at]?.cause;
    const drafts: EventDraft[] = [];
    for (; at < outgoing.length && outgoing[at]?.cause === cause; at += 1) {
      const draft = outgoing[at]?.draft;
      if (draft !== undefined) drafts.push(draft);
    }
    const inherited = cause === undefined ? lineage : lineageOfHandler(lineage, cause);
    for (const event of await scope.run(inherited, () => seal(drafts))) events.push(event);
  }
  return events;
}

function closedError(verb: string): MessagingError {
  return new MessagingError(
    "USAGE_UNIT_CLOSED",
    `${verb} was called after its unit of work had ended. Await everything before the handler returns.`,
  );
}

function tooLate(verb: string): MessagingError {
  return new MessagingError(
    "USAGE_RECORDED_TOO_LATE",
    `${verb} was called in publishLater, when all domain events have been handled: nobody would hear of it. Record before, and only read here.`,
  );
}

/** The cause's own words stay with the cause: they may hold data. */
function rollbackOnlyError(cause: unknown): MessagingError {
  const error = toError(cause);
  const name = isMessagingError(error) ? error.code : error.name;
  return new MessagingError(
    "USAGE_ROLLBACK_ONLY",
    `Everything was rolled back: a unit of work inside this one failed (${name}), and its error was caught. ` +
      "Half of a transaction is never committed: let the error pass, or run the inner work outside of this unit.",
    { cause },
  );
}
