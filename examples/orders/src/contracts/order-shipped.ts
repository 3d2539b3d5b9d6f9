import { defineEvent } from "@postrider/core";
import { z } from "zod";

/** A parcel is under way. Channel `com.acme.shipping`. */
export const OrderShipped = defineEvent("com.acme.shipping.order-shipped.v1", {
  data: z.object({ orderId: z.string(), trackingCode: z.string() }),
  key: (data) => data.orderId,
});
