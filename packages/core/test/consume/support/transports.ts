import {
  memory,
  type Delivery,
  type MemoryBroker,
  type MemoryTransport,
  type SubscriptionRequest,
} from "@postrider/core";
import type { World } from "./world.ts";

/** What a test changes about a transport; everything else is the one in memory. */
export interface Changes {
  readonly request?: ((request: SubscriptionRequest) => SubscriptionRequest) | undefined;
  readonly delivery?: ((delivery: Delivery) => Delivery) | undefined;
}

/** A transport with one seam: between it and core. */
export function changed(
  { broker, clock }: World,
  { request = same, delivery = same }: Changes,
): MemoryTransport {
  const transport = memory({ broker, clock });
  return {
    ...transport,
    consumer: {
      subscribe: (asked, receive) =>
        transport.consumer.subscribe(request(asked), (given) => receive(delivery(given))),
    },
  };
}

/**
 * A transport that hands over everything it has, also of one key, in order: as Kafka hands over a partition. Order
 * while something fails is then up to core alone.
 */
export function eager(world: World): MemoryTransport {
  return changed(world, { request: (request) => ({ ...request, ordering: "none" }) });
}

/** A transport whose broker keeps no delayed messages. */
export function withoutDelay(transport: MemoryTransport): MemoryTransport {
  return { ...transport, capabilities: { ...transport.capabilities, nativeDelay: false as never } };
}

/** The numbers of unsettled deliveries that a broker counts for a group, as they change. */
export function unsettledOf(broker: MemoryBroker, group: string): number {
  return broker.inspect().groups.find((one) => one.group === group)?.unsettled ?? 0;
}

function same<T>(value: T): T {
  return value;
}
