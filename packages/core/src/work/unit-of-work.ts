import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Store } from "../contracts/store.ts";
import type { TransactionOptions } from "../contracts/transaction.ts";
import type { AmbientUnits } from "./ambient.ts";
import type { UnitOfWork } from "./context.ts";
import { joinUnit, refuseSecondTransaction, unitMissing } from "./join.ts";
import { runAgain } from "./run-again.ts";
import { assertRun, type RunOptions, type UnitSettings } from "./unit-options.ts";
import { openUnit, type OpenUnit, type UnitParts } from "./unit.ts";

/*
 * The unit of work: changes and the events that tell of them commit together. Domain events are handled inside, in the
 * same transaction, until none is left; integration events are sealed after that and written in one statement, the last
 * before COMMIT; nothing of them is durable before that, and nothing leaves before the relay reads the row.
 */

/** Runs units of work on the store of one messaging. */
export interface UnitOfWorkRunner<Tx> {
  /**
   * Runs `work` in one transaction and commits it with the events it published, after all domain events have been
   * handled. Rejects with the original error after a rollback; nothing was published then, and `domainFailureOf` tells
   * the domain event and the handler it came from. Each of the errors below but STORE_OUTCOME_UNKNOWN means a rollback.
   *
   * A unit inside another joins it, unless `propagation` says otherwise: one transaction, which the outer one commits.
   * When the inner work rejects, the whole can only be rolled back, also where the error is caught. Domain events of
   * either are handled by the handlers of both.
   *
   * After `close` of the messaging it commits all the same, so that requests under way end well. Nobody here relays its
   * events then: they wait in the outbox for a relay of another process, or of the next start.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) when an event does not match its schema.
   * @throws DomainEventCascadeError (HANDLER_CASCADE) when domain events cause each other without an end in sight.
   * @throws MessagingError STORE_OUTCOME_UNKNOWN when the connection broke at COMMIT: the work may have been done, all
   * of it or nothing. Never run again by itself, whatever `retries` says. Find out by a business key that the work
   * wrote; run it again only if it is idempotent.
   * @throws MessagingError STORE_TOO_LARGE when the events are too many bytes for one statement: use several units.
   * @throws MessagingError USAGE_ROLLBACK_ONLY when a unit inside failed and its error was caught; it is the `cause`.
   * @throws MessagingError USAGE_ISOLATION_MISMATCH when a unit inside another asks for another isolation. Its work
   * did not begin, and the outer one can go on.
   * @throws MessagingError USAGE_UNIT_MISSING, USAGE_SECOND_TRANSACTION, by the option `propagation`.
   * @throws OptionsError (CONFIG_INVALID) before anything is begun.
   */
  run<R>(work: (unit: UnitOfWork<Tx>) => Promise<R>, options?: RunOptions): Promise<R>;
  /** The unit that the running code is inside of. */
  current(): UnitOfWork<Tx> | undefined;
}

export interface RunnerParts<Tx> {
  readonly store: Store<Tx>;
  readonly ambient: AmbientUnits<UnitOfWork<Tx>>;
  readonly unit: UnitParts;
  readonly settings: UnitSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export function createUnitOfWork<Tx>(parts: RunnerParts<Tx>): UnitOfWorkRunner<Tx> {
  const { store, ambient, settings, unit: shared } = parts;

  const begin = async <R>(work: (unit: UnitOfWork<Tx>) => Promise<R>, options: RunOptions): Promise<R> => {
    const again = {
      retries: options.retries ?? 0,
      ...parts,
      isRetryable: (error: unknown) => isRetryable(store, error),
    };
    return shared.telemetry.unitOfWork(() =>
      runAgain(again, () =>
        commitOne(parts, (tx) => openUnit(shared, tx, settings, options, "by a run"), work, options),
      ),
    );
  };

  return {
    current: () => ambient.current(),
    run: async (work, options = {}) => {
      assertRun(work, options);
      const { propagation = "join" } = options;
      const outer = ambient.current();
      if (outer === undefined) {
        if (propagation === "mandatory") throw unitMissing();
        return begin(work, options);
      }
      if (propagation !== "requires-new") return joinUnit(outer, work, settings, options);
      refuseSecondTransaction(store);
      return begin(work, options);
    },
  };
}

/** One transaction. A transactor may run the work again after a conflict: each run has a unit of its own. */
async function commitOne<Tx, R>(
  { store, logger }: RunnerParts<Tx>,
  open: (tx: Tx) => OpenUnit<Tx>,
  work: (unit: UnitOfWork<Tx>) => Promise<R>,
  { isolation }: RunOptions,
): Promise<R> {
  let last: OpenUnit<Tx> | undefined;
  const options: TransactionOptions | undefined = isolation === undefined ? undefined : { isolation };
  try {
    const { value, wrote } = await store.transaction(async (tx) => {
      last?.spoil();
      last = open(tx);
      return runIn(store, last, work);
    }, options);
    if (wrote) store.outbox.signal();
    await last?.runHooks((error) =>
      logger.error("A hook after the commit failed", { reason: error.message }),
    );
    return value;
  } catch (error) {
    last?.spoil();
    throw error;
  }
}

async function runIn<Tx, R>(
  store: Store<Tx>,
  unit: OpenUnit<Tx>,
  work: (unit: UnitOfWork<Tx>) => Promise<R>,
) {
  try {
    const { value, events } = await unit.run(async () => {
      const result = await work(unit.handle);
      await unit.settle();
      return { value: result, events: await unit.seal() };
    });
    return { value, wrote: await unit.write(store, events) };
  } finally {
    unit.close();
    unit.leave();
  }
}

function isRetryable<Tx>(store: Store<Tx>, error: unknown): boolean {
  return store.isRetryable?.(error) === true;
}
