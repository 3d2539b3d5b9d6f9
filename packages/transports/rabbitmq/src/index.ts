export { rabbitmq, transport } from "./transport.ts";
export type { RabbitmqNative, RabbitmqTransport } from "./transport.ts";
export type { Partitions, RabbitmqOptions, TopologyMode } from "./options.ts";
export type { RabbitmqCapabilities } from "./capabilities.ts";
