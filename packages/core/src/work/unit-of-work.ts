import type { Logger } from "../contracts/logger.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { Store } from "../contracts/store.ts";
import type { TransactionOptions } from "../contracts/transaction.ts";
import type { EventDraft } from "../event/draft.ts";
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
   * Runs `work` in one transaction and commits it with the events it published. A unit inside another joins it.
   * Rejects with the original error after a rollback; nothing was published then.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) when an event does not match its schema: everything is rolled back.
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
  const runIn = async <R>(tx: Tx, work: (unit: UnitOfWork<Tx>) => Promise<R>) => {
    const buffer = createOutgoingBuffer(parts.sealAll);
    const unit = unitOver(tx, buffer);
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
      const outer = ambient.current();
      if (outer !== undefined) return work(outer);
      const { value, buffer, wrote } = await store.transaction((tx) => runIn(tx, work), options);
      if (wrote) store.outbox.signal();
      await buffer.runHooks((error) =>
        logger.error("A hook after the commit failed", { reason: error.message }),
      );
      return value;
    },
  };
}

/** The unit that shows a transaction and a buffer. */
export function unitOver<Tx>(tx: Tx, buffer: ReturnType<typeof createOutgoingBuffer>): UnitOfWork<Tx> {
  return { tx, publish: buffer.publish, publishLater: buffer.publishLater, afterCommit: buffer.afterCommit };
}
