import { SpanStatusCode, type Attributes } from "@opentelemetry/api";
import { hrTimeToMilliseconds } from "@opentelemetry/core";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";

/** A finished span as plain data, so that a child process can hand it over. */
export interface RecordedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** The service that did the work. */
  readonly owner: string;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly error: string | undefined;
}

/** Keeps the spans of one trace, and none of any other: it does not grow with the number of orders. */
export interface SpanRecorder extends SpanProcessor {
  spans(): readonly RecordedSpan[];
}

const maxSpans = 200;

export function recordSpansOf(traceId: string): SpanRecorder {
  const spans: RecordedSpan[] = [];
  return {
    spans: () => spans,
    onStart: () => {},
    onEnd: (span) => {
      if (span.spanContext().traceId === traceId && spans.length < maxSpans) spans.push(plain(span));
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

function plain(span: ReadableSpan): RecordedSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    owner: ownerOf(span.attributes) ?? span.instrumentationScope.name,
    startMs: hrTimeToMilliseconds(span.startTime),
    durationMs: hrTimeToMilliseconds(span.duration),
    error: span.status.code === SpanStatusCode.ERROR ? (span.status.message ?? "failed") : undefined,
  };
}

/** Both services can run in one process and then share one resource: the spans' own attributes tell them apart. */
function ownerOf(attributes: Attributes): string | undefined {
  const group = attributes["messaging.consumer.group.name"];
  if (typeof group === "string") return group;
  const source = attributes["cloudevents.event_source"];
  return typeof source === "string" ? source.split("/").at(-1) : undefined;
}
