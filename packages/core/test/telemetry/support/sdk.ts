import { context, metrics, propagation, trace, type Span } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemoryMetricExporter,
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { onTestFinished } from "vitest";

export interface Sdk {
  /** Ended spans, in the order of their ends. */
  spans(): readonly ReadableSpan[];
  /** The ended spans of this name. */
  named(name: string): readonly ReadableSpan[];
  /** Runs `work` inside a span of the application's own. */
  inside<R>(name: string, work: (span: Span) => Promise<R>): Promise<R>;
  /** Sums of counters and counts of histograms, by name and attributes. */
  metrics(): Promise<readonly Measured[]>;
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a counter its sum, of a histogram how many values it has. */
  readonly value: number;
  readonly bounds: readonly number[] | undefined;
}

/** The OpenTelemetry SDK, registered until the test ends. */
export function registerSdk(): Sdk {
  const exporter = new InMemorySpanExporter();
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 2 ** 30,
  });
  const metering = new MeterProvider({ readers: [reader] });
  trace.setGlobalTracerProvider(tracing);
  metrics.setGlobalMeterProvider(metering);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(async () => {
    disableTelemetry();
    await Promise.all([tracing.shutdown(), metering.shutdown()]);
  });
  return {
    spans: () => exporter.getFinishedSpans(),
    named: (name) => exporter.getFinishedSpans().filter((span) => span.name === name),
    inside: (name, work) =>
      trace.getTracer("application").startActiveSpan(name, async (span) => {
        try {
          return await work(span);
        } finally {
          span.end();
        }
      }),
    metrics: async () => {
      await reader.forceFlush();
      return measuredIn(metricExporter);
    },
  };
}

export function disableTelemetry(): void {
  trace.disable();
  metrics.disable();
  context.disable();
  propagation.disable();
}

function measuredIn(exporter: InMemoryMetricExporter): readonly Measured[] {
  const last = exporter.getMetrics().at(-1);
  return (last?.scopeMetrics ?? []).flatMap((scope) =>
    scope.metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({
        name: descriptor.name,
        unit: descriptor.unit,
        attributes,
        value: typeof value === "number" ? value : value.count,
        bounds:
          typeof value === "number" || !("buckets" in value) || !("boundaries" in value.buckets)
            ? undefined
            : value.buckets.boundaries,
      })),
    ),
  );
}

export const traceIdOf = (traceparent: string | undefined): string | undefined => traceparent?.split("-")[1];
export const spanIdOf = (traceparent: string | undefined): string | undefined => traceparent?.split("-")[2];
