import { defineCommand, defineEvent } from "@postrider/core";
import { z } from "zod";

export const OrderPlaced = defineEvent("test.orders.order-placed.v1", {
  data: z.object({
    orderId: z.string(),
    n: z.number().default(0),
    lines: z.array(z.object({ sku: z.string() })).default([]),
  }),
  key: (order) => order.orderId,
});

/** In the same channel as OrderPlaced, so that its order with it counts. */
export const OrderCancelled = defineEvent("test.orders.order-cancelled.v1", {
  data: z.object({ orderId: z.string() }),
  key: (order) => order.orderId,
});

/** What handlers publish in turn; in a channel of its own. */
export const StockReserved = defineEvent("test.stock.stock-reserved.v1", {
  data: z.object({ orderId: z.string() }),
  key: (order) => order.orderId,
});

/** Without a key. */
export const Ticked = defineEvent("test.ticks.ticked.v1", { data: z.object({ n: z.number() }) });

export const ShipOrder = defineCommand("test.shipping.ship-order.v1", {
  data: z.object({ orderId: z.string() }),
});

/** Its data is bytes, as other producers send them: JSON cannot carry them, hence the detour around the types. */
export const Scanned = defineEvent("test.scans.scanned.v1", {
  data: z.custom<never>((value) => value instanceof Uint8Array).transform((bytes): Uint8Array => bytes),
});
