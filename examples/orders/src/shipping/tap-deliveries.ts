import type { Capabilities, Transport, TransportConsumer } from "@postrider/core";
import type { Tap } from "../wiring/brokers.ts";
import type { DeliveryLog } from "./delivery-log.ts";

/** Transports that show every delivery of a group to the log before the group's consumer gets it. */
export function tapDeliveries(group: string, log: DeliveryLog): Tap {
  return (driver) => ({ ...driver, create: (config) => tapped(driver.create(config), group, log) });
}

/** Member by member, and by getters: what a transport is capable of changes when it has connected. */
function tapped<C extends Capabilities>(inner: Transport<C>, group: string, log: DeliveryLog): Transport<C> {
  return {
    kind: inner.kind,
    get capabilities() {
      return inner.capabilities;
    },
    get publisher() {
      return inner.publisher;
    },
    consumer: tappedConsumer(inner, group, log),
    connect: (options) => inner.connect(options),
    close: () => inner.close(),
    state: () => inner.state(),
    onState: (listener) => inner.onState(listener),
  };
}

function tappedConsumer(inner: Transport, group: string, log: DeliveryLog): TransportConsumer {
  return {
    subscribe: async (request, receive) => {
      if (request.group !== group || request.of === "dead-letters")
        return inner.consumer.subscribe(request, receive);
      const subscription = await inner.consumer.subscribe(request, (delivery) => {
        log.record(delivery, () => receive(delivery));
      });
      return {
        pause: () => subscription.pause(),
        resume: () => subscription.resume(),
        setMaxInFlight: (count) => subscription.setMaxInFlight(count),
        // "Nothing new will be handed over" includes what waits for its row.
        stop: async () => {
          await subscription.stop();
          await log.idle();
        },
        close: () => subscription.close(),
      };
    },
  };
}
