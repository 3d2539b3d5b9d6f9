import type { Capabilities } from "@postrider/core";

/** What RabbitMQ can do through this transport. */
export interface RabbitmqCapabilities extends Capabilities {
  readonly transport: "rabbitmq";
  readonly orderingScope: "group";
  readonly nativeDelay: true;
  readonly nativeDeadLetter: true;
  readonly deliveryCount: true;
  readonly leaseExtension: false;
  readonly nativeDedupeWindowMs: 0;
  readonly wildcards: false;
  readonly fanOut: true;
  readonly replay: false;
  readonly orderedPipelining: true;
  readonly requestReply: true;
}

/** The server does not tell its limit of message sizes: `maxMessageBytes` is what the options say. */
export function rabbitmqCapabilities(maxMessageBytes: number): RabbitmqCapabilities {
  return Object.freeze({
    transport: "rabbitmq",
    // One queue per part of the keys, each with a single active consumer.
    orderingScope: "group",
    // Wait queues.
    nativeDelay: true,
    nativeDeadLetter: true,
    // Quorum queues count.
    deliveryCount: true,
    leaseExtension: false,
    nativeDedupeWindowMs: 0,
    wildcards: false,
    fanOut: true,
    replay: false,
    maxMessageBytes,
    orderedPipelining: true,
    requestReply: true,
  });
}
