import { createAbortWatch, type AbortWatch } from "../../abort-watch.ts";
import type { Clock } from "../../contracts/clock.ts";
import { actorOf, type LineageScope } from "../../envelope/lineage.ts";
import { soundError } from "../../failure/sound-error.ts";
import { shortText } from "../../short-text.ts";
import type { ProcessFacts, Telemetry } from "../../telemetry/telemetry.ts";
import { blame } from "./blame.ts";
import type { ResolvedConsumer } from "../definition.ts";
import { createEffect, type EffectParts } from "./effect.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";
import { refuseOvertaking } from "./overtaking.ts";
import { prepare } from "./prepare.ts";
import { hintOfPool } from "../pool.ts";
import { laneOf, type AttemptOutcome, type Prepared, type Work } from "../work.ts";

/*
 * One attempt: prepared, inside its span and its time, and what it came to. Whatever a handler does ends as an outcome.
 */

export interface AttemptParts extends Omit<EffectParts, "consumer" | "laneOf"> {
  readonly consumer: ResolvedConsumer;
  readonly lineage: LineageScope;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Fires when the consumer closes past its deadline. */
  readonly closing: AbortSignal;
}

export interface Attempts {
  /** One outcome per work, in order. Never rejects. Works of one call share a transaction and a handler. */
  run(works: readonly Work[]): Promise<readonly AttemptOutcome[]>;
}

export function createAttempts(parts: AttemptParts): Attempts {
  const { consumer, clock, telemetry, lineage, store } = parts;
  const watch = createAbortWatch();
  const lane = (work: Work) => laneOf(consumer.ordering, work);
  const effect = createEffect({ ...parts, consumer: consumer.name, laneOf: lane });

  const runPrepared = async (
    all: readonly Prepared[],
    lifetime: Lifetime,
  ): Promise<readonly AttemptOutcome[]> => {
    const [first] = all;
    if (first === undefined) return [];
    const startedMs = clock.monotonicMs();
    let code: string | undefined;
    try {
      const work = () => withLineage(lineage, all, () => effect(all, lifetime));
      return await telemetry.process(factsOf(consumer.name, first), work);
    } catch (thrown) {
      const error = soundError(thrown);
      code = shortText("code" in error && typeof error.code === "string" ? error.code : error.name, 128);
      const kind = await blame(thrown, lifetime, store);
      return all.map((prepared) =>
        kind === "failed" ? { kind, error, prepared, rolledBack: true } : { kind, error },
      );
    } finally {
      const tookMs = clock.monotonicMs() - startedMs;
      telemetry.instruments.processed(first.work.delivery.message.channel, consumer.name, tookMs, code);
    }
  };

  /** An asynchronous schema is somebody's code too: it gets no more time than the handler. */
  const prepareAll = async (
    works: readonly Work[],
    lifetime: Lifetime,
  ): Promise<readonly PreparedOrNot[]> => {
    const all = await lifetime.race(() => Promise.all(works.map((work) => prepare(work, consumer.foreign))));
    refuseOvertaking(works, (_, index) => all[index]?.kind === "failed", lane);
    return all;
  };

  return {
    run: async (works) => {
      const lifetime = lifetimeOf(parts, watch, works);
      try {
        const all = await prepareAll(works, lifetime);
        const outcomes = await runPrepared(all.filter(isPrepared), lifetime);
        let next = 0;
        return all.map((one) => (isPrepared(one) ? (outcomes[next++] ?? withoutOutcome) : one));
      } catch (thrown) {
        const error = soundError(thrown);
        if (lifetime.abandoned()) return works.map(() => ({ kind: "abandoned", error }));
        return works.map(() => ({ kind: "failed", error, prepared: undefined, rolledBack: true }));
      } finally {
        lifetime.end();
      }
    },
  };
}

type PreparedOrNot = Awaited<ReturnType<typeof prepare>>;

function isPrepared(one: PreparedOrNot): one is Prepared {
  return one.kind === "prepared";
}

function lifetimeOf(parts: AttemptParts, watch: AbortWatch, works: readonly Work[]): Lifetime {
  return createLifetime(parts.clock, watch, {
    consumer: parts.consumer.name,
    type: works[0]?.facts.type ?? "",
    timeoutMs: parts.consumer.timeoutMs,
    hint: () => hintOfPool(parts.store),
    giveUp: [parts.closing, ...works.map((work) => work.delivery.signal)],
  });
}

const withoutOutcome: AttemptOutcome = {
  kind: "failed",
  error: new Error("The attempt gave no outcome for this message."),
  prepared: undefined,
  rolledBack: true,
};

function withLineage<R>(scope: LineageScope, all: readonly Prepared[], work: () => R): R {
  const [only, another] = all;
  if (only === undefined || another !== undefined) return work(); // a batch has many causes
  const { facts } = only.work;
  return scope.run(
    {
      correlationid: facts.correlationId ?? facts.id,
      causationid: facts.id,
      tenant: facts.tenant,
      actor: actorOf(only.extensions),
    },
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
