import { trace } from "@opentelemetry/api";
import { createMessaging } from "@postrider/core";
import { started } from "../wiring/closers.ts";
import type { StartOptions } from "../wiring/start-options.ts";
import { ordersApi } from "./http.ts";
import { listen } from "./listen.ts";
import { markShipped } from "./mark-shipped.ts";
import { countShipped, findOrder, listOrders, type CommittedOrder, type OrderPage } from "./order-book.ts";
import { placeOrder } from "./place-order.ts";
import { ordersTables } from "./tables.ts";

/** The orders service at work. Everything is asynchronous, so that it may as well run in another process. */
export interface Orders {
  /** Where its HTTP interface is. */
  url(): Promise<string>;
  list(page: OrderPage): Promise<readonly CommittedOrder[]>;
  countShipped(referencePrefix: string): Promise<number>;
  close(): Promise<void>;
}

/** Takes orders over HTTP, and marks them when they have been shipped. */
export function startOrders({ broker, database, logger, relay }: StartOptions): Promise<Orders> {
  return started(async (opened) => {
    await database.prepare(ordersTables);
    const messaging = await createMessaging({
      source: "/services/orders",
      broker: broker.access(),
      store: database.store,
      relay: relay === "inside" ? {} : false,
      logger,
    });
    opened.add(() => messaging.close());
    await messaging.consume(markShipped(database));

    const unitOfWork = messaging.unitOfWork();
    const tracer = trace.getTracer("orders");
    const http = await listen(
      ordersApi({
        tracer,
        place: (order) => placeOrder(unitOfWork, tracer, order),
        find: (orderId) => findOrder(database, orderId),
        health: messaging.health,
        failed: (error) => logger.error("A request failed", { reason: error.message }),
      }),
    );
    opened.add(http.close);
    return {
      url: async () => http.url,
      list: (page) => listOrders(database, page),
      countShipped: (referencePrefix) => countShipped(database, referencePrefix),
      close: opened.closeAll,
    };
  });
}
