import type { SealedEvent } from "../contracts/sealed-event.ts";
import { partsOfDraft, type EventDraft } from "../event/draft.ts";
import { isMessagingError, MessagingError, toError } from "../errors.ts";

/** Drafts built after everything else has been done, from the latest state. */
export type LateDrafts = () =>
  | EventDraft
  | readonly EventDraft[]
  | undefined
  | Promise<EventDraft | readonly EventDraft[] | undefined>;

/**
 * The outgoing half of one unit of work: what is published is buffered, sealed and validated at the flush, and handed
 * over in one piece. Whoever uses it after its end is told so.
 */
export interface OutgoingBuffer {
  publish(...events: readonly EventDraft[]): void;
  publishLater(build: LateDrafts): void;
  /** Runs after the commit; a failure is logged and changes nothing. */
  afterCommit(hook: () => void | Promise<void>): void;
  /** A unit inside this one failed with `cause`: from now on `seal` rejects, whoever caught the error. */
  rollbackOnly(cause: unknown): void;
  /**
   * Builds what is late, seals everything in the order it was published. Call once, last.
   *
   * @throws MessagingError USAGE_ROLLBACK_ONLY when a unit inside this one failed.
   */
  seal(): Promise<readonly SealedEvent[]>;
  /** Runs the hooks one after another; never throws. */
  runHooks(onFailure: (error: Error) => void): Promise<void>;
  /** Nothing is taken any more. */
  close(): void;
}

export function createOutgoingBuffer(
  sealAll: (drafts: readonly EventDraft[]) => Promise<readonly SealedEvent[]>,
): OutgoingBuffer {
  const drafts: EventDraft[] = [];
  const late: LateDrafts[] = [];
  const hooks: (() => void | Promise<void>)[] = [];
  let closed = false;
  let failedInside: { readonly cause: unknown } | undefined;
  const refuseHalf = (): void => {
    if (failedInside !== undefined) throw rollbackOnlyError(failedInside.cause);
  };
  const open = (verb: string): void => {
    if (!closed) return;
    throw new MessagingError(
      "USAGE_UNIT_CLOSED",
      `${verb} was called after its unit of work had ended. Await everything before the handler returns.`,
    );
  };

  return {
    publish: (...events) => {
      open("publish");
      // Here, where the caller's line is on the stack. Sealing, at the end, would find it too.
      for (const event of events) partsOfDraft(event, "publish", "event");
      for (const event of events) drafts.push(event); // so many at once as arguments would be too much for the stack
    },
    publishLater: (build) => {
      open("publishLater");
      late.push(build);
    },
    afterCommit: (hook) => {
      open("afterCommit");
      hooks.push(hook);
    },
    rollbackOnly: (cause) => {
      failedInside ??= { cause };
    },
    seal: async () => {
      refuseHalf();
      // A late builder may add another one; each sees what the ones before it did.
      for (const build of late) {
        const built = await build();
        if (built !== undefined) for (const draft of isMany(built) ? built : [built]) drafts.push(draft);
      }
      refuseHalf(); // a late builder may have run a unit of its own
      closed = true;
      return sealAll(drafts);
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
      closed = true;
    },
  };
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

function isMany(built: EventDraft | readonly EventDraft[]): built is readonly EventDraft[] {
  return Array.isArray(built);
}
