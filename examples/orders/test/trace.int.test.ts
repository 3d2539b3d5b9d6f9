import { SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import { startOrders } from "../src/orders/start.ts";
import { startShipping } from "../src/shipping/start.ts";
import { startTelemetry } from "../src/telemetry/telemetry.ts";
import { openBroker } from "../src/wiring/brokers.ts";
import { createClosers } from "../src/wiring/closers.ts";
import { openDatabases } from "../src/wiring/database.ts";
import { createLog } from "../src/demo/log.ts";

const limitMs = 240_000;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerId = "b7ad6b7169203331";

test(
  "one trace id from the HTTP request through transaction, outbox, relay, broker and handler to the follow-up event",
  async () => {
    const { url, finished } = await startBoth();
    await placeOrder(url, "traced", `00-${traceId}-${callerId}-01`);
    const spans = await finished(9);
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));

    const request = only(spans, "POST /orders", callerId);
    const transaction = only(spans, "place order (one transaction)", idOf(request));
    const unit = only(spans, "unit of work", idOf(transaction));
    const created = only(spans, "create com.acme.orders", idOf(unit));
    const relayed = only(spans, "publish com.acme.orders", idOf(created));
    const handled = only(spans, "process com.acme.orders", idOf(created));
    const followUp = only(spans, "create com.acme.shipping", idOf(handled));
    const relayedOn = only(spans, "publish com.acme.shipping", idOf(followUp));
    const marked = only(spans, "process com.acme.shipping", idOf(followUp));

    const path = [request, transaction, unit, created, relayed, handled, followUp, relayedOn, marked];
    expect(path.map(({ kind }) => SpanKind[kind])).toEqual([
      "SERVER",
      "INTERNAL",
      "INTERNAL",
      "PRODUCER",
      "CLIENT",
      "CONSUMER",
      "PRODUCER",
      "CLIENT",
      "CONSUMER",
    ]);
    expect(handled.attributes["messaging.consumer.group.name"]).toBe("shipping");
    expect(marked.attributes["messaging.consumer.group.name"]).toBe("orders");
    // The follow-up event belongs to the conversation of the first one.
    expect(created.attributes["messaging.message.conversation_id"]).toEqual(expect.any(String));
    for (const span of [relayedOn, marked]) {
      expect(span.attributes["messaging.message.conversation_id"]).toBe(
        created.attributes["messaging.message.conversation_id"],
      );
    }
    expect(request.attributes).toMatchObject({ "http.route": "/orders", "http.response.status_code": 201 });
  },
  limitMs,
);

/** Both services in this process, and what they export. */
async function startBoth() {
  const opened = createClosers();
  onTestFinished(() => opened.closeAll());
  const exporter = new InMemorySpanExporter();
  const recorder = new SimpleSpanProcessor(exporter);
  opened.add(startTelemetry({ serviceName: "test", env: {}, recorder, notice: () => {} }).shutdown);
  const broker = openBroker({ kind: "memory", url: "memory://" });
  const { logger, lines } = createLog(() => {});
  const databases = await openDatabases({ kind: "pglite" }, ["orders", "shipping"], opened);
  const shipping = await startShipping({ broker, database: databases.shipping, logger, relay: "inside" });
  opened.add(shipping.close);
  const orders = await startOrders({ broker, database: databases.orders, logger, relay: "inside" });
  opened.add(orders.close);
  return {
    url: await orders.url(),
    finished: async (count: number): Promise<readonly ReadableSpan[]> => {
      await expect
        .poll(() => exporter.getFinishedSpans().length, { timeout: 30_000 })
        .toBeGreaterThanOrEqual(count);
      expect(lines()).toEqual([]);
      return exporter.getFinishedSpans();
    },
  };
}

async function placeOrder(url: string, reference: string, traceparent: string): Promise<void> {
  const order = {
    customerId: "c",
    reference,
    shipTo: { city: "Graz", country: "AT" },
    lines: [{ sku: "a", quantity: 1 }],
  };
  const response = await fetch(`${url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent },
    body: JSON.stringify(order),
  });
  expect(response.status).toBe(201);
}

/** The one span of this name and parent. */
function only(spans: readonly ReadableSpan[], name: string, parentId: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name && span.parentSpanContext?.spanId === parentId);
  const [span] = found;
  if (span === undefined || found.length > 1)
    throw new Error(`${found.length} spans ${name} below ${parentId}`);
  return span;
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
