import type { Capabilities } from "../../contracts/capabilities.ts";
import type { Clock } from "../../contracts/clock.ts";
import type { Logger } from "../../contracts/logger.ts";
import { decide } from "../../failure/decide.ts";
import type { ErrorContext } from "../../failure/error-rule.ts";
import type { ResolvedConsumer } from "../definition.ts";
import type { Holds } from "./holds.ts";
import type { Refuse } from "./refuse.ts";
import type { Settler } from "./settle.ts";
import { laneOf, type AttemptOutcome, type Fate, type Work } from "../work.ts";

export type FailedOutcome = Extract<AttemptOutcome, { kind: "failed" }>;

export interface FailedParts {
  readonly consumer: ResolvedConsumer;
  readonly capabilities: Capabilities;
  readonly settler: Settler;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly refuse: Refuse;
  /** Stops the intake until a person resumes it. */
  readonly pause: (error: Error) => void;
}

/** What becomes of a message whose handler failed. `again`: its wait is over and its attempt counted. */
export function createFailed(parts: FailedParts): (work: Work, failed: FailedOutcome) => Promise<Fate> {
  const { consumer, settler, holds, clock, logger, refuse } = parts;

  const retry = async (work: Work, delayMs: number): Promise<Fate> => {
    const inLane = laneOf(consumer.ordering, work) !== undefined;
    if (!inLane && parts.capabilities.nativeDelay) return settler.retry(work.delivery, delayMs, work.attempt);
    settler.keptForRetry();
    // Held here without a slot: in its lane where order was asked for, so that later messages of the key wait.
    if (!(await holds.hold(delayMs, work.delivery.signal))) return giveBack(work, "released");
    work.attempt += 1;
    return "again";
  };
  const giveBack = async (work: Work, outcome: "released" | "paused"): Promise<Fate> => {
    await settler.release(work.delivery, outcome);
    return "returned";
  };

  return async (work, failed) => {
    work.firstFailedAt ??= new Date(clock.now()).toISOString();
    const verdict = decide(
      failed.error,
      contextOf(consumer.name, work, failed),
      policyOf(consumer, work),
      parts,
    );
    logger.info("A handler failed", {
      ...logFacts(consumer.name, work),
      verdict: verdict.kind,
      reason: failed.error.message,
    });
    switch (verdict.kind) {
      case "discard":
        return refuse(work, failed.error, await settler.ack(work.delivery, "discarded"));
      case "pause":
        parts.pause(failed.error);
        return giveBack(work, "paused");
      case "dead-letter":
        return refuse(
          work,
          failed.error,
          await settler.deadLetter(work.delivery, {
            reason: verdict.reason,
            attempts: work.attempt,
            error: failed.error,
            firstFailedAt: work.firstFailedAt,
          }),
        );
      case "retry":
        return retry(work, verdict.delayMs);
    }
  };
}

function policyOf({ retry, errors, onExhausted }: ResolvedConsumer, work: Work) {
  const holds = onExhausted === "hold-key" && work.facts.key !== undefined;
  return { retry, rules: errors, exhausted: holds ? ("hold" as const) : ("dead-letter" as const) };
}

function contextOf(consumer: string, work: Work, { prepared }: FailedOutcome): ErrorContext {
  return {
    consumer,
    message: prepared?.message,
    attempt: work.attempt,
    headers: prepared?.headers ?? {},
    extensions: prepared?.extensions ?? {},
    tenant: work.facts.tenant,
  };
}

function logFacts(consumer: string, { facts, attempt }: Work): Record<string, unknown> {
  return { consumer, type: facts.type, id: facts.id, attempt };
}
