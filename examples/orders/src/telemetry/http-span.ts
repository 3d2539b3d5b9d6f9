import { context, propagation, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";

/** A span around each request, continuing the caller's trace when the request has a `traceparent`. */
export function traceRequests(tracer: Tracer): MiddlewareHandler {
  return (c, next) => {
    const caller = propagation.extract(context.active(), c.req.header());
    const options = {
      kind: SpanKind.SERVER,
      attributes: { "http.request.method": c.req.method, "url.path": c.req.path },
    };
    return tracer.startActiveSpan(c.req.method, options, caller, async (span) => {
      try {
        await next();
        // The route is known only now. Names with ids in them would be one name per order.
        const route = routeOf(c);
        span.updateName(`${c.req.method} ${route}`);
        span.setAttributes({ "http.route": route, "http.response.status_code": c.res.status });
        if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      } finally {
        span.end();
      }
    });
  };
}

function routeOf(c: Context): string {
  return routePath(c, -1);
}
