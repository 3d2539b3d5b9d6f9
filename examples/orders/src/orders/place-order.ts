import { randomUUID } from "node:crypto";
import type { Tracer } from "@opentelemetry/api";
import type { UnitOfWorkRunner } from "@postrider/core";
import { z } from "zod";
import { Address, OrderLine, OrderPlaced } from "../contracts/order-placed.ts";
import { inSpan } from "../telemetry/in-span.ts";
import type { Sql } from "../wiring/database.ts";

/** The body of `POST /orders`. */
export const NewOrder = z.object({
  customerId: z.string().min(1).max(100),
  reference: z.string().min(1).max(100),
  shipTo: Address,
  delivery: z.enum(["standard", "express"]).default("standard"),
  lines: z.array(OrderLine).min(1).max(100),
});
export type NewOrder = z.infer<typeof NewOrder>;

/** Resolves with the order's id once the order and its event are committed: both or neither. */
export function placeOrder(
  unitOfWork: UnitOfWorkRunner<Sql>,
  tracer: Tracer,
  order: NewOrder,
): Promise<string> {
  const orderId = randomUUID();
  const { customerId, reference, shipTo, delivery, lines } = order;
  return inSpan(tracer, "place order (one transaction)", () =>
    unitOfWork.run(async ({ tx, publish }) => {
      await tx.query(
        "INSERT INTO orders (order_id, customer_id, reference, city, country, delivery) VALUES ($1, $2, $3, $4, $5, $6)",
        [orderId, customerId, reference, shipTo.city, shipTo.country, delivery],
      );
      await tx.query(
        `INSERT INTO order_lines (order_id, line, sku, quantity)
         SELECT $1, line, sku, quantity FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS given (sku, quantity, line)`,
        [orderId, lines.map(({ sku }) => sku), lines.map(({ quantity }) => quantity)],
      );
      publish(OrderPlaced({ orderId, reference, shipTo, delivery, lines }));
      return orderId;
    }),
  );
}
