import type { Capabilities } from "@postrider/core";

/** What Redis Streams can do through this transport. */
export interface RedisCapabilities extends Capabilities {
  readonly transport: "redis";
  readonly orderingScope: "group";
  readonly nativeDelay: true;
  readonly nativeDeadLetter: false;
  readonly deliveryCount: true;
  readonly leaseExtension: true;
  readonly nativeDedupeWindowMs: 0;
  readonly wildcards: false;
  readonly fanOut: true;
  readonly replay: true;
  readonly orderedPipelining: true;
  readonly requestReply: false;
}

/** The server's own limit of 512 MiB a value is no limit in practice: `maxMessageBytes` is what the options say. */
export function redisCapabilities(maxMessageBytes: number): RedisCapabilities {
  return Object.freeze({
    transport: "redis",
    // Each stream of a channel is read by the one member that holds its lease.
    orderingScope: "group",
    // Sorted sets hold what waits, and any member moves what is due.
    nativeDelay: true,
    nativeDeadLetter: false,
    // The list of pending entries counts.
    deliveryCount: true,
    leaseExtension: true,
    // Redis drops doubles from 8.6 on; this transport does not use it yet.
    nativeDedupeWindowMs: 0,
    wildcards: false,
    fanOut: true,
    replay: true,
    maxMessageBytes,
    orderedPipelining: true,
    requestReply: false,
  });
}
