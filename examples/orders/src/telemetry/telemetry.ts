import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
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
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sees every sampled span. */
  readonly recorder: SpanProcessor;
}

export interface Telemetry {
  /** Sends what is left and ends. An exporter that fails fails nothing else. */
  shutdown(): Promise<void>;
}

/**
 * The OpenTelemetry SDK, with W3C trace context. The library itself needs `@opentelemetry/api` only: what is set up
 * here it finds by itself.
 *
 * OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sends every span there, OTEL_TRACES_EXPORTER=console and
 * OTEL_METRICS_EXPORTER=console print. With none of them only requests whose caller asks for it are traced.
 */
export function startTelemetry({ serviceName, env, recorder }: TelemetryOptions): Telemetry {
  const exporters = exportersFrom(env);
  const resource = resourceFromAttributes({ "service.name": serviceName });
  const traces = new BasicTracerProvider({
    resource,
    sampler: new ParentBasedSampler({
      root: exporters.length > 0 ? new AlwaysOnSampler() : new AlwaysOffSampler(),
    }),
    spanProcessors: [recorder, ...exporters],
  });
  const readers =
    env["OTEL_METRICS_EXPORTER"] === "console"
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
      trace.disable();
      metrics.disable();
      propagation.disable();
      context.disable();
    },
  };
}

function exportersFrom(env: TelemetryOptions["env"]): SpanProcessor[] {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  return [
    ...(endpoint === undefined || endpoint === "" ? [] : [new BatchSpanProcessor(new OTLPTraceExporter())]),
    ...(env["OTEL_TRACES_EXPORTER"] === "console"
      ? [new SimpleSpanProcessor(new ConsoleSpanExporter())]
      : []),
  ];
}
