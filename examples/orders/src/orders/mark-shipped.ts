import { defineConsumer, type Consumer } from "@postrider/core";
import { OrderShipped } from "../contracts/order-shipped.ts";
import type { Database, Sql } from "../wiring/database.ts";

/** The way back: the orders service learns from shipping's own event that a parcel is under way. */
export function markShipped({ store }: Database): Consumer<Sql> {
  return defineConsumer("orders", { store, ordering: "key", concurrency: 8 }).on(
    OrderShipped,
    async (event, { tx }) => {
      await tx.query(
        "UPDATE orders SET status = 'shipped', shipped_at = now(), tracking_code = $2 WHERE order_id = $1",
        [event.data.orderId, event.data.trackingCode],
      );
    },
  );
}
