import type { SealedEvent } from "../../contracts/sealed-event.ts";
import type { Store } from "../../contracts/store.ts";
import type { MemoryInbox } from "../../inbox/memory-inbox.ts";
import { noAmbientUnits } from "../../work/ambient.ts";
import { openUnit, type OpenUnit, type UnitParts } from "../../work/unit.ts";
import type { UnitSettings } from "../../work/unit-options.ts";
import { callHandler, withoutStrays, type CallParts, type Failures } from "./call-handler.ts";
import type { Lifetime } from "./lifetime.ts";
import type { AttemptOutcome, Prepared } from "../work.ts";

/*
 * From a prepared message to its effect. With a store the inbox mark, the handler's writes and its follow-up events are
 * one transaction, and the effect is durable at its COMMIT, before anything is acknowledged. Without one, follow-up
 * events are confirmed by the broker before the message is.
 */

export interface EffectParts extends CallParts {
  /** Erased: the handlers' own type of transaction was checked where the consumer was given to `consume`. */
  readonly store: Store<unknown> | undefined;
  readonly inbox: "store" | "none" | MemoryInbox;
  readonly unit: UnitParts;
  /** How units of this messaging treat domain events. */
  readonly units: UnitSettings;
  /** Publishes straight to the broker; rejects unless all were confirmed. */
  readonly publishAll: (events: readonly SealedEvent[]) => Promise<void>;
}

/** One outcome per message, in order; rejects when everything was rolled back. */
export type Effect = (all: readonly Prepared[], lifetime: Lifetime) => Promise<readonly AttemptOutcome[]>;

export function createEffect(parts: EffectParts): Effect {
  const { store, inbox } = parts;
  const work: Effect = store === undefined ? plainly(parts) : inTransaction(parts, store);
  return typeof inbox === "object" ? claimed(inbox, work) : work;
}

function inTransaction(parts: EffectParts, store: Store<unknown>): Effect {
  const { consumer } = parts;
  const marks = parts.inbox === "store";
  /** Inside the transaction. A transactor may run it again after a conflict: each run has a unit of its own. */
  const runIn = async (
    tx: unknown,
    all: readonly Prepared[],
    lifetime: Lifetime,
    opened: (unit: OpenUnit<unknown>) => void,
  ): Promise<Written> => {
    const todo = marks ? firstOfEach(all, await store.inbox.register(tx, consumer, idsOf(all))) : all;
    if (todo.length === 0) return { outcomes: all.map(() => duplicate), wrote: false };
    const unit = openUnit(parts.unit, tx, parts.units, { signal: lifetime.signal }, "by messages");
    opened(unit);
    return insideUnit(unit, lifetime, async (run) => {
      const failures = await run(() => callHandler(parts, { prepared: todo, unit: unit.handle, lifetime }));
      if (failures.size > 0 && marks) await store.inbox.unregister(tx, consumer, failedIds(todo, failures));
      await run(() => withoutStrays(parts, todo, unit.settle));
      const events = await run(unit.seal);
      return { outcomes: outcomesOf(all, todo, failures), wrote: await unit.write(store, events) };
    });
  };

  return async (all, lifetime) => {
    let last: OpenUnit<unknown> | undefined;
    const opened = (unit: OpenUnit<unknown>): void => {
      last?.spoil();
      last = unit;
    };
    try {
      const { outcomes, wrote } = await store.transaction((tx) => runIn(tx, all, lifetime, opened));
      if (wrote) store.outbox.signal();
      await last?.runHooks((error) =>
        parts.logger.error("A hook after the commit failed", { consumer, reason: error.message }),
      );
      return outcomes;
    } catch (error) {
      last?.spoil();
      throw error;
    }
  };
}

/** The user's code inside the unit, raced against its time. */
type Run = <R>(work: () => Promise<R>) => Promise<R>;

/** Closes the unit at the end of `steps`. */
async function insideUnit<R>(
  unit: OpenUnit<unknown>,
  lifetime: Lifetime,
  steps: (run: Run) => Promise<R>,
): Promise<R> {
  let running: Promise<unknown> = Promise.resolve();
  const run: Run = (work) =>
    lifetime.race(() => {
      const begun = unit.run(work);
      running = begun;
      return begun;
    });
  try {
    return await steps(run);
  } finally {
    unit.close();
    // What was given up may go on for a while: until then whatever it begins is inside its dead unit, not a new one.
    void running.then(unit.leave, unit.leave);
  }
}

/** What a transaction is about to commit. */
interface Written {
  readonly outcomes: readonly AttemptOutcome[];
  readonly wrote: boolean;
}

function plainly(parts: EffectParts): Effect {
  return async (all, lifetime) => {
    // Nobody is inside of a unit without a store: a handler may publish straight to the broker.
    const shared = { ...parts.unit, ambient: noAmbientUnits };
    const unit = openUnit(shared, undefined, parts.units, { signal: lifetime.signal }, "by messages");
    try {
      return await insideUnit(unit, lifetime, async (run) => {
        const failures = await run(() => callHandler(parts, { prepared: all, unit: unit.handle, lifetime }));
        await run(() => withoutStrays(parts, all, unit.settle));
        const events = await run(unit.seal);
        if (events.length > 0) await parts.publishAll(events);
        return outcomesOf(all, all, failures);
      });
    } catch (error) {
      unit.spoil();
      throw error;
    }
  };
}

/** Behind an inbox of this process: claimed before, and remembered only after success. */
function claimed(inbox: MemoryInbox, work: Effect): Effect {
  return async (all, lifetime) => {
    const claims = await inbox.claim(idsOf(all));
    const todo = firstOfEach(all, claims);
    const outcomes = new Map<Prepared, AttemptOutcome>();
    try {
      const worked = todo.length === 0 ? [] : await work(todo, lifetime);
      for (const [index, one] of todo.entries()) outcomes.set(one, worked[index] ?? duplicate);
      return all.map((one) => outcomes.get(one) ?? duplicate);
    } finally {
      for (const one of todo) inbox.settle(one.work.facts.messageId, hasWorked(outcomes.get(one)));
    }
  };
}

function hasWorked(outcome: AttemptOutcome | undefined): "worked" | "failed" {
  return outcome?.kind === "handled" ? "worked" : "failed";
}

const duplicate: AttemptOutcome = { kind: "duplicate" };

/** Of those that the inbox calls new, the first of each id: one batch can hold two copies. */
function firstOfEach(all: readonly Prepared[], fresh: ReadonlySet<string>): Prepared[] {
  const seen = new Set<string>();
  return all.filter(({ work }) => {
    const { messageId } = work.facts;
    if (!fresh.has(messageId) || seen.has(messageId)) return false;
    seen.add(messageId);
    return true;
  });
}

function idsOf(all: readonly Prepared[]): string[] {
  return all.map((one) => one.work.facts.messageId);
}

function failedIds(todo: readonly Prepared[], failures: Failures): string[] {
  return idsOf(todo.filter((one) => failures.has(one.message)));
}

function outcomesOf(
  all: readonly Prepared[],
  todo: readonly Prepared[],
  failures: Failures,
): AttemptOutcome[] {
  const worked = new Set(todo);
  return all.map((prepared) => {
    const error = failures.get(prepared.message);
    if (error !== undefined) return { kind: "failed", error, prepared, rolledBack: false };
    return worked.has(prepared) ? { kind: "handled" } : duplicate;
  });
}
