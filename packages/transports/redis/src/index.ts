export { redis, transport } from "./transport.ts";
export type { RedisNative, RedisTransport } from "./transport.ts";
export type { Partitions, RedisOptions, TopologyMode } from "./options.ts";
export type { RedisCapabilities } from "./capabilities.ts";
