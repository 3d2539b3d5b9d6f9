import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Message } from "../contracts/message.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { Store } from "../contracts/store.ts";
import type { LineageScope } from "../envelope/lineage.ts";
import type { EventDraft } from "../event/draft.ts";
import { toError } from "../errors.ts";
import type { MemoryInbox } from "../inbox/memory-inbox.ts";
import type { ProcessFacts, Telemetry } from "../telemetry/telemetry.ts";
import type { AmbientUnits } from "../work/ambient.ts";
import { createOutgoingBuffer, type OutgoingBuffer } from "../work/unit.ts";
import { unitOver, type UnitOfWork } from "../work/unit-of-work.ts";
import type { BatchContext, DeliveryContext, HandlerContext } from "./context.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";
import { prepare } from "./prepare.ts";
import type { StrayGuard } from "./stray.ts";
import type { AttemptOutcome, Prepared, Work } from "./work.ts";

/*
 * One attempt: from a message to its effect. With a store the inbox mark, the handler's writes and its follow-up
 * events are one transaction, and the effect is durable at its COMMIT, before anything is acknowledged.
 */

export interface AttemptParts {
  readonly consumer: ResolvedConsumer;
  /** Erased: the handlers' own type of transaction was checked where the consumer was given to `consume`. */
  readonly store: Store<unknown> | undefined;
  readonly inbox: "store" | "none" | MemoryInbox;
  readonly sealAll: (drafts: readonly EventDraft[]) => Promise<readonly SealedEvent[]>;
  /** Publishes straight to the broker; rejects unless all were confirmed. */
  readonly publishAll: (events: readonly SealedEvent[]) => Promise<void>;
  readonly ambient: AmbientUnits<UnitOfWork<unknown>>;
  readonly lineage: LineageScope;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Fires when the consumer closes past its deadline. */
  readonly closing: AbortSignal;
  readonly stray: StrayGuard;
  readonly logger: Logger;
}

export interface Attempts {
  /** One outcome per work, in order. Never rejects. Works of one call share a transaction and a handler. */
  run(works: readonly Work[]): Promise<readonly AttemptOutcome[]>;
}

/** Messages that a batch handler took out, with their errors. */
type Failures = Map<Message, Error>;

export function createAttempts(parts: AttemptParts): Attempts {
  const { consumer, clock, telemetry } = parts;

  const runPrepared = async (all: readonly Prepared[]): Promise<readonly AttemptOutcome[]> => {
    const [first] = all;
    if (first === undefined) return [];
    const lifetime = createLifetime(clock, {
      consumer: consumer.name,
      type: first.message.type,
      timeoutMs: consumer.timeoutMs,
      giveUp: [parts.closing, ...all.map((one) => one.work.delivery.signal)],
    });
    const startedMs = clock.monotonicMs();
    let code: string | undefined;
    try {
      const work = () => (parts.store === undefined ? runPlain(parts, all, lifetime) : runInTransaction(parts, parts.store, all, lifetime));
      return await telemetry.process(factsOf(consumer.name, first), () => withLineage(parts.lineage, all, work));
    } catch (thrown) {
      const error = toError(thrown);
      code = "code" in error && typeof error.code === "string" ? error.code : error.name;
      return all.map((prepared) => failureOf(parts, error, lifetime, prepared));
    } finally {
      lifetime.end();
      telemetry.instruments.processed(first.work.delivery.message.channel, consumer.name, clock.monotonicMs() - startedMs, code);
    }
  };

  return {
    run: async (works) => {
      const prepared = await Promise.all(works.map((work) => prepare(work, consumer.foreign)));
      const good = prepared.filter((one): one is Prepared => "message" in one);
      const outcomes = await runPrepared(good);
      let next = 0;
      return prepared.map((one) => ("message" in one ? (outcomes[next++] ?? lostOutcome(one)) : one));
    },
  };
}

async function runInTransaction(
  parts: AttemptParts,
  store: Store<unknown>,
  all: readonly Prepared[],
  lifetime: Lifetime,
): Promise<readonly AttemptOutcome[]> {
  const buffer = createOutgoingBuffer(parts.sealAll);
  const { name } = parts.consumer;
  try {
    let wrote = false;
    const outcomes = await store.transaction(async (tx) => {
      const ids = all.map((one) => one.work.facts.messageId);
      const fresh = parts.inbox === "store" ? await store.inbox.register(tx, name, ids) : new Set(ids);
      const todo = firstOfEach(all, fresh);
      if (todo.length === 0) return all.map(() => duplicate);
      const unit = unitOver(tx, buffer);
      const failures = await parts.ambient.run(unit, () => lifetime.race(() => guarded(parts, todo, tx, buffer, lifetime)));
      if (failures.size > 0 && parts.inbox === "store") await store.inbox.unregister(tx, name, failedIds(todo, failures));
      const events = await parts.ambient.run(unit, () => lifetime.race(() => buffer.seal()));
      if (events.length > 0) await store.outbox.append(tx, events);
      wrote = events.length > 0;
      return outcomesOf(all, todo, failures);
    });
    if (wrote) store.outbox.signal();
    return outcomes;
  } finally {
    buffer.close();
  }
}

async function runPlain(
  parts: AttemptParts,
  all: readonly Prepared[],
  lifetime: Lifetime,
): Promise<readonly AttemptOutcome[]> {
  const buffer = createOutgoingBuffer(parts.sealAll);
  const inbox = typeof parts.inbox === "object" ? parts.inbox : undefined;
  const todo = inbox === undefined ? [...all] : await claimAll(inbox, all);
  let outcomes: readonly AttemptOutcome[] = [];
  try {
    if (todo.length === 0) return all.map(() => duplicate);
    const failures = await lifetime.race(() => guarded(parts, todo, undefined, buffer, lifetime));
    const events = await lifetime.race(() => buffer.seal());
    if (events.length > 0) await parts.publishAll(events);
    outcomes = outcomesOf(all, todo, failures);
    return outcomes;
  } finally {
    buffer.close();
    for (const one of todo) inbox?.settle(one.work.facts.messageId, outcomes[all.indexOf(one)]?.kind === "handled");
  }
}

/** The handler, with what it leaves behind told apart from everybody else's. */
function guarded(
  parts: AttemptParts,
  todo: readonly Prepared[],
  tx: unknown,
  buffer: OutgoingBuffer,
  lifetime: Lifetime,
): Promise<Failures> {
  const report = (error: Error) =>
    parts.logger.error("A handler left a promise behind that nobody awaits, and it was rejected", {
      consumer: parts.consumer.name,
      type: todo[0]?.message.type,
      reason: error.message,
    });
  return parts.stray.run(report, () => callHandler(parts, todo, tx, buffer, lifetime));
}

/** The handler, called once for one message or for the whole batch. */
async function callHandler(
  parts: AttemptParts,
  todo: readonly Prepared[],
  tx: unknown,
  buffer: OutgoingBuffer,
  lifetime: Lifetime,
): Promise<Failures> {
  const failures: Failures = new Map();
  const [first] = todo;
  if (first === undefined) return failures;
  const { route } = first.work;
  const shared = { consumer: parts.consumer.name, tx, publish: buffer.publish, signal: lifetime.signal };
  if (route.mode === "single") {
    const context: HandlerContext<unknown> = { ...shared, ...deliveryContext(first) };
    await route.handler(first.message, context);
    return failures;
  }
  const byMessage = new Map(todo.map((one) => [one.message, one]));
  const context: BatchContext<unknown, Message> = {
    ...shared,
    delivery: (message) => deliveryContext(byMessage.get(message) ?? first),
    fail: (message, error) => void failures.set(message, toError(error)),
  };
  const batch = todo.map((one) => one.message);
  await route.handler(batch, context);
  return failures;
}

function deliveryContext(prepared: Prepared): DeliveryContext {
  const { work, headers, extensions } = prepared;
  return { attempt: work.attempt, headers, extensions, tenant: work.facts.tenant };
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

async function claimAll(inbox: MemoryInbox, all: readonly Prepared[]): Promise<Prepared[]> {
  const todo: Prepared[] = [];
  const mine = new Set<string>();
  for (const one of all) {
    const { messageId } = one.work.facts;
    if (mine.has(messageId)) continue;
    if (await inbox.claim(messageId)) {
      mine.add(messageId);
      todo.push(one);
    }
  }
  return todo;
}

function failedIds(todo: readonly Prepared[], failures: Failures): string[] {
  return todo.filter((one) => failures.has(one.message)).map((one) => one.work.facts.messageId);
}

function outcomesOf(all: readonly Prepared[], todo: readonly Prepared[], failures: Failures): AttemptOutcome[] {
  const worked = new Set(todo);
  return all.map((prepared) => {
    const error = failures.get(prepared.message);
    if (error !== undefined) return { kind: "failed", error, prepared, rolledBack: false };
    return worked.has(prepared) ? { kind: "handled" } : duplicate;
  });
}

function failureOf(parts: AttemptParts, error: Error, lifetime: Lifetime, prepared: Prepared): AttemptOutcome {
  if (lifetime.abandoned()) return { kind: "abandoned", error };
  if (parts.store?.isUnavailable?.(error) === true) return { kind: "outage", error };
  return { kind: "failed", error, prepared, rolledBack: true };
}

function lostOutcome(prepared: Prepared): AttemptOutcome {
  return { kind: "failed", error: new Error("The attempt gave no outcome for this message."), prepared, rolledBack: true };
}

function withLineage<R>(scope: LineageScope, all: readonly Prepared[], work: () => R): R {
  const [only, another] = all;
  if (only === undefined || another !== undefined) return work(); // a batch has many causes
  const { facts } = only.work;
  return scope.run(
    { correlationid: facts.correlationId ?? facts.id, causationid: facts.id, tenant: facts.tenant },
    work,
  );
}

function factsOf(group: string, { work, message, extensions }: Prepared): ProcessFacts {
  const { headers, channel } = work.delivery.message;
  return {
    group,
    channel,
    type: message.type,
    id: message.id,
    source: message.source,
    subject: message.subject,
    correlationId: message.correlationid,
    attempt: work.attempt,
    traceparent: headers["traceparent"] ?? message.traceparent,
    tracestate: headers["tracestate"] ?? message.tracestate,
    extensionTraceparent: message.traceparent,
    baggage: extensions["baggage"],
  };
}
