import { SpanStatusCode, type Tracer } from "@opentelemetry/api";

/** Runs `work` inside a span of this name; the span ends, and fails, with it. */
export function inSpan<R>(tracer: Tracer, name: string, work: () => Promise<R>): Promise<R> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  });
}
