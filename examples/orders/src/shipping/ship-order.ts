import { randomUUID } from "node:crypto";
import { defineConsumer, exponential, type Consumer } from "@postrider/core";
import { OrderPlaced } from "../contracts/order-placed.ts";
import { OrderShipped } from "../contracts/order-shipped.ts";
import type { Database, Sql } from "../wiring/database.ts";
import type { Carrier } from "./carrier.ts";

/**
 * One shipment per order. The inbox mark, the shipment and the event that tells of it are one transaction: a second
 * copy of the same OrderPlaced finds the mark and stops there.
 *
 * Returning is done, throwing is a retry by policy, and the carrier's Reject goes to the dead letters at once.
 */
export function shipOrders({ store }: Database, carrier: Carrier): Consumer<Sql> {
  return defineConsumer("shipping", {
    store,
    ordering: "key",
    concurrency: 8,
    retry: exponential({ attempts: 5, initialMs: 100 }),
  }).on(OrderPlaced, async (event, { tx, publish }) => {
    const { orderId, shipTo, delivery } = event.data;
    const trackingCode = await carrier.book({ orderId, country: shipTo.country, delivery });
    await tx.query(
      "INSERT INTO shipments (shipment_id, order_id, tracking_code, city, country) VALUES ($1, $2, $3, $4, $5)",
      [randomUUID(), orderId, trackingCode, shipTo.city, shipTo.country],
    );
    publish(OrderShipped({ orderId, trackingCode }));
  });
}
