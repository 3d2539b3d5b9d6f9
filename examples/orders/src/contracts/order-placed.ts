import { defineEvent } from "@postrider/core";
import { z } from "zod";

/** Where a parcel goes. */
export const Address = z.object({
  city: z.string().min(1).max(100),
  /** ISO 3166-1, two letters. */
  country: z.string().regex(/^[A-Z]{2}$/),
});

export const OrderLine = z.object({
  sku: z.string().min(1).max(50),
  quantity: z.int().min(1).max(1_000),
});

/** An order was committed. Channel `com.acme.orders`; events of one order keep their order. */
export const OrderPlaced = defineEvent("com.acme.orders.order-placed.v1", {
  data: z.object({
    orderId: z.string(),
    /** The customer's own name for it. */
    reference: z.string(),
    shipTo: Address,
    delivery: z.enum(["standard", "express"]),
    lines: z.array(OrderLine),
  }),
  key: (data) => data.orderId,
});
