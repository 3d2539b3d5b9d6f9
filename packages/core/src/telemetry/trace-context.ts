import { createTraceState, type SpanContext } from "@opentelemetry/api";

/** The creation context of a message, as the CloudEvents tracing extension and the broker header carry it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxTracestateLength = 512;

/** W3C Trace Context, level 1, of a span. Undefined when the span is not a real one. */
export function formatTraceContext(span: SpanContext): TraceContext | undefined {
  if (/^0+$/.test(span.traceId) || /^0+$/.test(span.spanId)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
  const state = span.traceState?.serialize();
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    tracestate: state === undefined || state === "" ? undefined : state,
  };
}

/** The span that a message names; undefined for none and for anything malformed, which came from outside. */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): SpanContext | undefined {
  const parts = traceparent === undefined ? null : pattern.exec(traceparent.trim());
  if (parts === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = parts;
  if (version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  const span: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return tracestate === undefined || tracestate.length > maxTracestateLength
    ? span
    : { ...span, traceState: createTraceState(tracestate) };
}
