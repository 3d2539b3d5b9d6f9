import type { Capabilities } from "../../contracts/capabilities.ts";

/** What the broker in memory can do. */
export interface MemoryCapabilities extends Capabilities {
  readonly transport: "memory";
  readonly orderingScope: "group";
  readonly nativeDelay: true;
  readonly nativeDeadLetter: false;
  readonly deliveryCount: true;
  readonly leaseExtension: false;
  readonly nativeDedupeWindowMs: 0;
  readonly wildcards: false;
  readonly fanOut: true;
  readonly replay: true;
  readonly orderedPipelining: true;
  readonly requestReply: true;
}

/** What the memory broker can do; only the size of messages is an option of it. */
export function memoryCapabilities(maxMessageBytes: number): MemoryCapabilities {
  return Object.freeze({
    transport: "memory",
    orderingScope: "group",
    // A delay outlives the transport that asked for it, and ends with the process: so does everything here.
    nativeDelay: true,
    nativeDeadLetter: false,
    deliveryCount: true,
    leaseExtension: false,
    nativeDedupeWindowMs: 0,
    wildcards: false,
    fanOut: true,
    replay: true,
    maxMessageBytes,
    orderedPipelining: true,
    requestReply: true,
  });
}
