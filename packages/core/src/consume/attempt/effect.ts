import type { SealedEvent } from "../../contracts/sealed-event.ts";
import type { Store } from "../../contracts/store.ts";
import type { EventDraft } from "../../event/draft.ts";
import type { MemoryInbox } from "../../inbox/memory-inbox.ts";
import type { AmbientUnits } from "../../work/ambient.ts";
import { createOutgoingBuffer, type OutgoingBuffer } from "../../work/unit.ts";
import { unitOver, type UnitOfWork } from "../../work/unit-of-work.ts";
import { callHandler, type CallParts, type Failures } from "./call-handler.ts";
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
  readonly sealAll: (drafts: readonly EventDraft[]) => Promise<readonly SealedEvent[]>;
  /** Publishes straight to the broker; rejects unless all were confirmed. */
  readonly publishAll: (events: readonly SealedEvent[]) => Promise<void>;
  readonly ambient: AmbientUnits<UnitOfWork<unknown>>;
}

/** One outcome per message, in order; rejects when everything was rolled back. */
export type Effect = (all: readonly Prepared[], lifetime: Lifetime) => Promise<readonly AttemptOutcome[]>;

export function createEffect(parts: EffectParts): Effect {
  const { store, inbox } = parts;
  const work: Effect = store === undefined ? plainly(parts) : inTransaction(parts, store);
  return typeof inbox === "object" ? claimed(inbox, work) : work;
}

function inTransaction(parts: EffectParts, store: Store<unknown>): Effect {
  const { consumer, ambient } = parts;
  const marks = parts.inbox === "store";
  /** Inside the transaction. A transactor may run it again after a conflict: each run has a unit of its own. */
  const runIn = async (tx: unknown, all: readonly Prepared[], lifetime: Lifetime): Promise<Written> => {
    const todo = marks ? firstOfEach(all, await store.inbox.register(tx, consumer, idsOf(all))) : all;
    if (todo.length === 0) return { outcomes: all.map(() => duplicate), wrote: false, buffer: undefined };
    const buffer = createOutgoingBuffer(parts.sealAll);
    const unit = unitOver(tx, buffer);
    let handler: Promise<unknown> = Promise.resolve();
    try {
      const failures = await ambient.run(unit, () =>
        lifetime.race(() => {
          const called = callHandler(parts, { prepared: todo, tx, buffer, lifetime });
          handler = called;
          return called;
        }),
      );
      if (failures.size > 0 && marks) await store.inbox.unregister(tx, consumer, failedIds(todo, failures));
      const events = await ambient.run(unit, () => lifetime.race(() => buffer.seal()));
      if (events.length > 0) await store.outbox.append(tx, events);
      return { outcomes: outcomesOf(all, todo, failures), wrote: events.length > 0, buffer };
    } finally {
      buffer.close();
      // One that was given up may go on for a while: until then whatever it begins is inside its dead unit, not a new one.
      const leave = () => ambient.end(unit);
      void handler.then(leave, leave);
    }
  };

  return async (all, lifetime) => {
    const { outcomes, wrote, buffer } = await store.transaction((tx) => runIn(tx, all, lifetime));
    if (wrote) store.outbox.signal();
    await buffer?.runHooks((error) =>
      parts.logger.error("A hook after the commit failed", { consumer, reason: error.message }),
    );
    return outcomes;
  };
}

/** What a transaction is about to commit. */
interface Written {
  readonly outcomes: readonly AttemptOutcome[];
  readonly wrote: boolean;
  readonly buffer: OutgoingBuffer | undefined;
}

function plainly(parts: EffectParts): Effect {
  return async (all, lifetime) => {
    const buffer = createOutgoingBuffer(parts.sealAll);
    try {
      const call = { prepared: all, tx: undefined, buffer, lifetime };
      const failures = await lifetime.race(() => callHandler(parts, call));
      const events = await lifetime.race(() => buffer.seal());
      if (events.length > 0) await parts.publishAll(events);
      return outcomesOf(all, all, failures);
    } finally {
      buffer.close();
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
