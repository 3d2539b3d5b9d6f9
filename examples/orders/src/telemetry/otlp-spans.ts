import { TraceFlags } from "@opentelemetry/api";
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from "@opentelemetry/sdk-trace-base";

/** Sends spans to a collector, and knows what did not get there. */
export interface OtlpSpans {
  readonly processor: SpanProcessor;
  /** One line on the spans that were lost, and why; undefined when none was. Asked after the processor's shutdown. */
  lost(): string | undefined;
}

/** How long one batch may take with all its retries. The SDK's own 10 s would hold up the end of a run. */
const sendMs = 2_000;

export function otlpSpans(url: string): OtlpSpans {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: sendMs });
  const counts = { ended: 0, delivered: 0 };
  let reason = "the queue was full";
  const onResult = (spans: number, { code, error }: ExportResult): void => {
    if (code === ExportResultCode.SUCCESS) counts.delivered += spans;
    else reason = reasonOf(error);
  };
  const batches = new BatchSpanProcessor(told(exporter, onResult), { exportTimeoutMillis: sendMs });
  return {
    processor: {
      onStart: (span, parent) => batches.onStart(span, parent),
      onEnd: (span) => {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) counts.ended += 1;
        batches.onEnd(span);
      },
      forceFlush: () => batches.forceFlush(),
      shutdown: async () => {
        // It rejects with the first batch that fails, with others still under way.
        await Promise.allSettled([batches.shutdown()]);
        await exporter.shutdown();
      },
    },
    lost: () => {
      const { ended, delivered } = counts;
      if (delivered >= ended) return undefined;
      return `${ended - delivered} of ${ended} spans could not be sent to ${withoutAccount(url)} (${reason})`;
    },
  };
}

/** The same exporter; `onResult` hears what became of each batch. */
function told(exporter: SpanExporter, onResult: (spans: number, result: ExportResult) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        onResult(spans.length, result);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** An HTTP status stands in `code`, and a host with several addresses fails without a message. */
function reasonOf(error: (Error & { readonly code?: string | number }) | undefined): string {
  const { code, message = "" } = error ?? {};
  const status = typeof code === "number" ? `${code} ` : "";
  return `${status}${message}`.trim() || `${code ?? "no reason given"}`;
}

function withoutAccount(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
