import type { Attributes, Counter, Histogram, Meter } from "@opentelemetry/api";
import { attribute, durationBuckets, metric } from "./attributes.ts";
import type { Guard } from "./inside.ts";

/** What became of one delivery. */
export type ConsumeOutcome =
  | "handled"
  | "duplicate"
  | "unhandled"
  | "retried"
  | "dead-lettered"
  | "discarded"
  | "released"
  | "paused";

/** Counters and histograms; every call is safe and cheap without an SDK. */
export interface Instruments {
  sent(channel: string, count: number, durationMs: number, errorCode: string | undefined): void;
  consumed(channel: string, group: string): void;
  processed(channel: string, group: string, durationMs: number, errorCode: string | undefined): void;
  outcome(group: string, outcome: ConsumeOutcome): void;
  parked(status: string, count: number): void;
  relayLag(lagMs: number): void;
}

export interface InstrumentNames {
  /** What this system calls sending. */
  readonly sendName: string;
  readonly base: (name: string, kind: string) => Attributes;
}

export function createInstruments(
  meter: Meter | undefined,
  { sendName, base }: InstrumentNames,
  guard: Guard,
): Instruments {
  const counter = (name: string, unit: string): Counter | undefined =>
    guard(() => meter?.createCounter(name, { unit }), undefined);
  const histogram = (name: string): Histogram | undefined =>
    guard(
      () =>
        meter?.createHistogram(name, {
          unit: "s",
          advice: { explicitBucketBoundaries: [...durationBuckets] },
        }),
      undefined,
    );
  const sent = counter(metric.sent, "{message}");
  const consumed = counter(metric.consumed, "{message}");
  const outcomes = counter(metric.outcomes, "{message}");
  const parked = counter(metric.parked, "{message}");
  const operation = histogram(metric.operationDuration);
  const process = histogram(metric.processDuration);
  const lag = histogram(metric.relayLag);
  const sendBase = base(sendName, "send");
  const processBase = base("process", "process");

  return {
    sent: (channel, count, durationMs, errorCode) =>
      guard(() => {
        const attributes = failing({ ...sendBase, [attribute.destination]: channel }, errorCode);
        sent?.add(count, attributes);
        operation?.record(durationMs / 1_000, attributes);
      }, undefined),
    consumed: (channel, group) =>
      guard(
        () =>
          consumed?.add(1, { ...processBase, [attribute.destination]: channel, [attribute.group]: group }),
        undefined,
      ),
    processed: (channel, group, durationMs, errorCode) =>
      guard(() => {
        const attributes = { ...processBase, [attribute.destination]: channel, [attribute.group]: group };
        process?.record(durationMs / 1_000, failing(attributes, errorCode));
      }, undefined),
    outcome: (group, outcome) =>
      guard(() => outcomes?.add(1, { [attribute.group]: group, [attribute.outcome]: outcome }), undefined),
    parked: (status, count) => guard(() => parked?.add(count, { [attribute.outcome]: status }), undefined),
    relayLag: (lagMs) => guard(() => lag?.record(lagMs / 1_000), undefined),
  };
}

function failing(attributes: Attributes, errorCode: string | undefined): Attributes {
  return errorCode === undefined ? attributes : { ...attributes, [attribute.errorType]: errorCode };
}
