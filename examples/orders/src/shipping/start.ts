import { createMessaging, type ConsumerCounts } from "@postrider/core";
import { started } from "../wiring/closers.ts";
import type { StartOptions } from "../wiring/start-options.ts";
import { pretendCarrier } from "./carrier.ts";
import { createDeliveryLog } from "./delivery-log.ts";
import { countShipments, type ShippedOrders } from "./shipment-book.ts";
import { shipOrders } from "./ship-order.ts";
import { shippingTables } from "./tables.ts";
import { tapDeliveries } from "./tap-deliveries.ts";

/** The shipping service at work. Everything is asynchronous, so that it may as well run in another process. */
export interface Shipping {
  /** What became of the messages since the start. */
  counts(): Promise<ConsumerCounts>;
  countShipments(orderIds: readonly string[]): Promise<ShippedOrders>;
  close(): Promise<void>;
}

/** Makes a shipment of every order that was placed. */
export function startShipping({ broker, database, logger, relay }: StartOptions): Promise<Shipping> {
  return started(async (opened) => {
    await database.prepare(shippingTables);
    const shipments = shipOrders(database, pretendCarrier());
    const messaging = await createMessaging({
      source: "/services/shipping",
      broker: broker.access(tapDeliveries(shipments.name, createDeliveryLog(database, logger))),
      store: database.store,
      relay: relay === "inside" ? {} : false,
      logger,
    });
    opened.add(() => messaging.close());
    const subscription = await messaging.consume(shipments);
    return {
      counts: async () => subscription.counts(),
      countShipments: (orderIds) => countShipments(database, orderIds),
      close: opened.closeAll,
    };
  });
}
