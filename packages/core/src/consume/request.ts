import type { Logger } from "../contracts/logger.ts";
import type { SubscriptionRequest } from "../contracts/subscription.ts";
import type { ResolvedConsumer } from "./definition.ts";

/** What a consumer asks the broker for. */
export function requestOf(consumer: ResolvedConsumer, logger: Logger): SubscriptionRequest {
  const types = [...consumer.routes.values()].flatMap((route) => [
    route.parts.type,
    ...route.parts.upcasts.map((upcast) => upcast.from),
  ]);
  // To dead-letter what nobody handles it must be seen; and a foreign message has whatever type its producer gave it.
  const all = consumer.unhandled === "dead-letter" || consumer.foreign !== undefined;
  return {
    group: consumer.name,
    channels: consumer.channels.map((channel) => ({ channel, types: all ? ("all" as const) : types })),
    ordering: consumer.ordering,
    members: consumer.members,
    startAt: consumer.startAt,
    maxInFlight: consumer.maxInFlight,
    onFault: ({ code, message }) => {
      logger.warn("The subscription had a fault", { consumer: consumer.name, code, reason: message });
    },
  };
}
