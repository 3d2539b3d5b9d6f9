import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  ConsoleSpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { chooseExporters } from "./exporters.ts";
import { otlpSpans } from "./otlp-spans.ts";

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sees every sampled span. */
  readonly recorder: SpanProcessor;
  /** Told at the end, in one line, of spans that did not get where they should. */
  readonly notice: (line: string) => void;
}

export interface Telemetry {
  /** Sends what is left and ends, in about two seconds. An exporter that fails fails nothing else, and is told of. */
  shutdown(): Promise<void>;
}

/**
 * The OpenTelemetry SDK, with W3C trace context. The library itself needs `@opentelemetry/api` only: what is set up
 * here it finds by itself.
 *
 * OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sends every span there, OTEL_TRACES_EXPORTER=console and
 * OTEL_METRICS_EXPORTER=console print. With none of them only requests whose caller asks for it are traced.
 *
 * @throws UsageError for a variable that leads nowhere.
 */
export function startTelemetry({ serviceName, env, recorder, notice }: TelemetryOptions): Telemetry {
  const chosen = chooseExporters(env);
  const otlp = chosen.otlpUrl === undefined ? undefined : otlpSpans(chosen.otlpUrl);
  const exporters: readonly SpanProcessor[] = [
    ...(otlp === undefined ? [] : [otlp.processor]),
    ...(chosen.spans === "printed" ? [new SimpleSpanProcessor(new ConsoleSpanExporter())] : []),
  ];
  const resource = resourceFromAttributes({ "service.name": serviceName });
  const traces = new BasicTracerProvider({
    resource,
    sampler: new ParentBasedSampler({
      root: exporters.length > 0 ? new AlwaysOnSampler() : new AlwaysOffSampler(),
    }),
    spanProcessors: [recorder, ...exporters],
  });
  const readers =
    chosen.metrics === "printed"
      ? [
          new PeriodicExportingMetricReader({
            exporter: new ConsoleMetricExporter(),
            exportIntervalMillis: 60_000,
          }),
        ]
      : [];
  const meters = new MeterProvider({ resource, readers });

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(traces);
  metrics.setGlobalMeterProvider(meters);

  return {
    shutdown: async () => {
      await Promise.allSettled([traces.shutdown(), meters.shutdown()]);
      const lost = otlp?.lost();
      if (lost !== undefined) notice(`${serviceName}: ${lost}`);
      trace.disable();
      metrics.disable();
      propagation.disable();
      context.disable();
    },
  };
}
