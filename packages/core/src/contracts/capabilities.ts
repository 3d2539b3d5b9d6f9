/**
 * What a transport can do beyond the common ground, in one table of names.
 * Three readers use the same frozen object: core, which refuses at the start what an option asks for and the broker
 * lacks; the conformance suite, which proves each claim both ways; and the script that prints the matrix of the README.
 */
export interface Capabilities {
  /** The transport's kind: `memory`, `rabbitmq`, `kafka`, `nats` or `redis`. */
  readonly transport: string;
  /**
   * How far first deliveries of one key keep their order: `none`; `process`, as long as one member consumes; `group`,
   * over all members of a consumer group.
   */
  readonly orderingScope: "none" | "process" | "group";
  /** A retry with a delay is kept by the broker: it outlives this process and blocks nothing. */
  readonly nativeDelay: boolean;
  /** The broker itself can move a message to a dead letter channel. */
  readonly nativeDeadLetter: boolean;
  /** The broker counts deliveries, so that the attempt survives a crash of the consumer without our headers. */
  readonly deliveryCount: boolean;
  /** Deliveries are held under a lease that the transport extends while they are unsettled. */
  readonly leaseExtension: boolean;
  /** How long the broker drops a second message of the same id, in milliseconds; 0 where it does not. */
  readonly nativeDedupeWindowMs: number;
  /** A subscription may name channels by pattern. */
  readonly wildcards: boolean;
  /** `members: "each"`: every instance gets every message. */
  readonly fanOut: boolean;
  /** A new consumer group can start at the beginning or at a time. */
  readonly replay: boolean;
  /** The largest message accepted, headers and body together, in bytes; 0 when only the broker knows. */
  readonly maxMessageBytes: number;
  /** `publishRun` keeps several messages of one key under way at once and still confirms a prefix only. */
  readonly orderedPipelining: boolean;
  /** Requests can be answered. */
  readonly requestReply: boolean;
}

/** A capability that an option can ask for. */
export type CapabilityName = Exclude<keyof Capabilities, "transport">;
