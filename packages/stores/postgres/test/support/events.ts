import type { SealedEvent } from "@postrider/core";

/** A sealed event with everything that a row can hold, apart from what is given. */
export function sealed(id: string, changes: Partial<SealedEvent> = {}): SealedEvent {
  return {
    id,
    source: "/services/orders",
    type: "com.acme.orders.order-placed.v1",
    specversion: "1.0",
    time: "2026-01-02T03:04:05.678Z",
    subject: "orders/17",
    contentType: "application/json",
    dataschema: "https://acme.example/schemas/order-placed",
    channel: "com.acme.orders",
    key: "order-17",
    shard: 7,
    payload: new TextEncoder().encode(`{"orderId":"${id}"}`),
    extensions: { correlationid: "c-1", attempt: 3, urgent: true },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=1",
    tenant: "acme",
    ...changes,
  };
}

/** An event with a key, numbered within it. */
export function keyed(key: string, id: string): SealedEvent {
  return sealed(id, { key, subject: undefined });
}
