import type { Logger } from "../contracts/logger.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { Store } from "../contracts/store.ts";
import type { IsolationLevel, TransactionOptions } from "../contracts/transaction.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import type { EventDraft } from "../event/draft.ts";
import { problemsOfOptions } from "../options/names.ts";
import { whatItIs } from "../what-it-is.ts";
import type { AmbientUnits } from "./ambient.ts";
import { createOutgoingBuffer, type LateDrafts } from "./unit.ts";

/*
 * The unit of work: changes and the events that tell of them commit together. Events are sealed after the work has
 * finished and written in one statement, the last before COMMIT; nothing of them is durable before that, and nothing
 * leaves before the relay reads the row.
 */

/** What the work of a unit gets. Function properties: made to be destructured. */
export interface UnitOfWork<Tx> {
  /** The open transaction, in the user's own library's type. Ended with the unit. */
  readonly tx: Tx;
  /** Events that leave if this unit commits. Sealed and validated at its end. */
  readonly publish: (...events: readonly EventDraft[]) => void;
  /** Built after the work has finished, from the latest state; undefined for nothing. */
  readonly publishLater: (build: LateDrafts) => void;
  /** Runs after COMMIT, best effort: a failure is logged, and a crash in between skips it. */
  readonly afterCommit: (hook: () => void | Promise<void>) => void;
}

/** Runs units of work on the store of one messaging. */
export interface UnitOfWorkRunner<Tx> {
  /**
   * Runs `work` in one transaction and commits it with the events it published. Rejects with the original error after
   * a rollback; nothing was published then. Each of the errors below but STORE_OUTCOME_UNKNOWN means a rollback, too.
   *
   * A unit inside another joins it: one transaction, which the outer one commits. When the inner work rejects, the
   * whole can only be rolled back, also where the error is caught.
   *
   * After `close` of the messaging it commits all the same, so that requests under way end well. Nobody here relays its
   * events then: they wait in the outbox for a relay of another process, or of the next start.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) when an event does not match its schema.
   * @throws MessagingError STORE_OUTCOME_UNKNOWN when the connection broke at COMMIT: the work may have been done, all
   * of it or nothing. Find out by a business key that the work wrote; run it again only if it is idempotent.
   * @throws MessagingError STORE_TOO_LARGE when the events are too many bytes for one statement: use several units.
   * @throws MessagingError USAGE_ROLLBACK_ONLY when a unit inside failed and its error was caught; it is the `cause`.
   * @throws MessagingError USAGE_ISOLATION_MISMATCH when a unit inside another asks for another isolation. Its work
   * did not begin, and the outer one can go on.
   */
  run<R>(work: (unit: UnitOfWork<Tx>) => Promise<R>, options?: TransactionOptions): Promise<R>;
  /** The unit that the running code is inside of. */
  current(): UnitOfWork<Tx> | undefined;
}

export interface UnitOfWorkParts<Tx> {
  readonly store: Store<Tx>;
  readonly ambient: AmbientUnits<UnitOfWork<Tx>>;
  readonly sealAll: (drafts: readonly EventDraft[]) => Promise<readonly SealedEvent[]>;
  readonly logger: Logger;
}

export function createUnitOfWork<Tx>(parts: UnitOfWorkParts<Tx>): UnitOfWorkRunner<Tx> {
  const { store, ambient, logger } = parts;

  /** Inside the transaction. A transactor may run it again after a conflict: each run has a unit of its own. */
  const runIn = async <R>(
    tx: Tx,
    work: (unit: UnitOfWork<Tx>) => Promise<R>,
    options: TransactionOptions | undefined,
  ) => {
    const buffer = createOutgoingBuffer(parts.sealAll);
    const unit = unitOver(tx, buffer, options);
    try {
      const value = await ambient.run(unit, () => work(unit));
      const events = await ambient.run(unit, () => buffer.seal());
      if (events.length > 0) await store.outbox.append(tx, events);
      return { value, buffer, wrote: events.length > 0 };
    } finally {
      buffer.close();
      ambient.end(unit);
    }
  };

  return {
    current: () => ambient.current(),
    run: async (work, options) => {
      assertRun(work, options);
      const outer = ambient.current();
      if (outer !== undefined) return join(outer, work, options);
      const { value, buffer, wrote } = await store.transaction((tx) => runIn(tx, work, options), options);
      if (wrote) store.outbox.signal();
      await buffer.runHooks((error) =>
        logger.error("A hook after the commit failed", { reason: error.message }),
      );
      return value;
    },
  };
}

function assertRun(work: unknown, options: unknown): void {
  if (typeof work !== "function")
    throw new MessagingError(
      "USAGE_WRONG_KIND",
      `unitOfWork().run takes the work as a function, and was given ${whatItIs(work)}.`,
    );
  if (options === undefined) return;
  const problems = problemsOfOptions(options, { isolation: true });
  if (problems.length > 0) throw new OptionsError("unitOfWork().run", problems);
}

/** What a unit inside another needs of it, and a user does not. */
const joining: unique symbol = Symbol("how a unit inside joins this one");

interface JoinableUnit<Tx> extends UnitOfWork<Tx> {
  readonly [joining]?: {
    readonly isolation: IsolationLevel | undefined;
    readonly rollbackOnly: (cause: unknown) => void;
  };
}

/** The unit that shows a transaction and a buffer. */
export function unitOver<Tx>(
  tx: Tx,
  buffer: ReturnType<typeof createOutgoingBuffer>,
  options: TransactionOptions = {},
): UnitOfWork<Tx> {
  const unit: JoinableUnit<Tx> = {
    tx,
    publish: buffer.publish,
    publishLater: buffer.publishLater,
    afterCommit: buffer.afterCommit,
    [joining]: { isolation: options.isolation, rollbackOnly: buffer.rollbackOnly },
  };
  return unit;
}

/** In the outer unit's transaction. What the inner work has written and published cannot be told from the outer's. */
async function join<Tx, R>(
  outer: JoinableUnit<Tx>,
  work: (unit: UnitOfWork<Tx>) => Promise<R>,
  { isolation }: TransactionOptions = {},
): Promise<R> {
  const link = outer[joining];
  if (isolation !== undefined && isolation !== link?.isolation)
    throw isolationMismatch(isolation, link?.isolation);
  try {
    return await work(outer);
  } catch (error) {
    link?.rollbackOnly(error);
    throw error;
  }
}

function isolationMismatch(asked: IsolationLevel, has: IsolationLevel | undefined): MessagingError {
  return new MessagingError(
    "USAGE_ISOLATION_MISMATCH",
    `A unit of work inside another joins its transaction, whose isolation is ${has ?? "the database's default"}, not ${asked}. ` +
      "Ask for it where the outer unit begins, or run this one outside of it.",
    { context: { asked, has: has ?? "default" } },
  );
}
