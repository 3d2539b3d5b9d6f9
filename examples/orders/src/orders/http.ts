import type { Tracer } from "@opentelemetry/api";
import type { MessagingHealth } from "@postrider/core";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { traceRequests } from "../telemetry/http-span.ts";
import type { Order } from "./order-book.ts";
import { NewOrder } from "./place-order.ts";

export interface OrdersApi {
  readonly tracer: Tracer;
  place(order: NewOrder): Promise<string>;
  find(orderId: string): Promise<Order | undefined>;
  health(): Promise<MessagingHealth>;
  /** Told of errors that callers see only as a 500. */
  failed(error: Error): void;
}

/** `POST /orders`, `GET /orders/:id` and `GET /health`. */
export function ordersApi({ tracer, place, find, health, failed }: OrdersApi): Hono {
  const app = new Hono();
  app.use(traceRequests(tracer));
  const tooLarge = (c: Context) => c.json({ error: "This is too large for an order." }, 413);
  app.post("/orders", bodyLimit({ maxSize: 64 * 1_024, onError: tooLarge }), async (c) => {
    const body: unknown = await c.req.json().catch(() => undefined);
    const order = NewOrder.safeParse(body);
    if (!order.success) return c.json({ error: "This is no order.", problems: problemsOf(order.error) }, 400);
    const orderId = await place(order.data);
    return c.json({ orderId }, 201, { location: `/orders/${orderId}` });
  });
  app.get("/orders/:id", async (c) => {
    const order = await find(c.req.param("id"));
    return order === undefined ? c.json({ error: "There is no such order." }, 404) : c.json(order);
  });
  app.get("/health", async (c) => {
    const state = await health();
    return c.json(state, state.ok ? 200 : 503);
  });
  app.notFound((c) => c.json({ error: "There is no such page." }, 404));
  app.onError((error, c) => {
    failed(error);
    return c.json({ error: "Something went wrong here. Try again." }, 500);
  });
  return app;
}

function problemsOf(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
}
