import type { Clock } from "../contracts/clock.ts";
import type { LineageScope } from "../envelope/lineage.ts";
import { soundError } from "../failure/sound-error.ts";
import type { ProcessFacts, Telemetry } from "../telemetry/telemetry.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { createEffect, type EffectParts } from "./effect.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";
import { prepare } from "./prepare.ts";
import type { AttemptOutcome, Prepared, Work } from "./work.ts";

/*
 * One attempt: prepared, inside its span and its time, and what it came to. Whatever a handler does ends as an outcome.
 */

export interface AttemptParts extends Omit<EffectParts, "consumer"> {
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
  const { consumer, clock, telemetry, lineage } = parts;
  const effect = createEffect({ ...parts, consumer: consumer.name });

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
      code = "code" in error && typeof error.code === "string" ? error.code : error.name;
      const kind = await kindOf(parts, thrown, lifetime);
      return all.map((prepared) =>
        kind === "failed" ? { kind, error, prepared, rolledBack: true } : { kind, error },
      );
    } finally {
      const tookMs = clock.monotonicMs() - startedMs;
      telemetry.instruments.processed(first.work.delivery.message.channel, consumer.name, tookMs, code);
    }
  };

  return {
    run: async (works) => {
      const lifetime = lifetimeOf(parts, works);
      try {
        // An asynchronous schema is somebody's code too: it gets no more time than the handler.
        const prepared = await lifetime.race(() =>
          Promise.all(works.map((work) => prepare(work, consumer.foreign))),
        );
        const outcomes = await runPrepared(prepared.filter(isPrepared), lifetime);
        let next = 0;
        return prepared.map((one) => (isPrepared(one) ? (outcomes[next++] ?? withoutOutcome) : one));
      } catch (thrown) {
        return works.map(() => failureOf(parts, toError(thrown), lifetime, undefined));
      } finally {
        lifetime.end();
      }
    },
  };
}

function lifetimeOf(parts: AttemptParts, works: readonly Work[]): Lifetime {
  return createLifetime(parts.clock, {
    consumer: parts.consumer.name,
    type: works[0]?.facts.type ?? "",
    timeoutMs: parts.consumer.timeoutMs,
    giveUp: [parts.closing, ...works.map((work) => work.delivery.signal)],
  });
}

function failureOf(
  parts: AttemptParts,
  error: Error,
  lifetime: Lifetime,
  prepared: Prepared | undefined,
): AttemptOutcome {
  if (lifetime.abandoned()) return { kind: "abandoned", error };
  if (parts.store?.isUnavailable?.(error) === true) return { kind: "outage", error };
  return { kind: "failed", error, prepared, rolledBack: true };
}

const withoutOutcome: AttemptOutcome = {
  kind: "failed",
  error: new Error("The attempt gave no outcome for this message."),
  prepared: undefined,
  rolledBack: true,
};

function isPrepared(one: Prepared | AttemptOutcome): one is Prepared {
  return "message" in one;
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
