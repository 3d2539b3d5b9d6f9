import type { CodedError } from "./failure.ts";
import type { IncomingMessage, OutgoingMessage } from "./wire.ts";

/** The consume side of a transport: receive with a bound, settle once. See transport.ts for the rest of the page. */
export interface TransportConsumer {
  /**
   * Declares or checks what the group needs at the broker, then hands deliveries over.
   * - a group bound before its first consumer keeps the messages published in between.
   * - two groups each get every message; members of one group share them.
   * - a subscription of the same group by the same transport twice fails with USAGE_ALREADY_SUBSCRIBED.
   * `receive` returns at once and never throws. Resolves when the group is bound: what is published later arrives.
   */
  subscribe(
    request: SubscriptionRequest,
    receive: (delivery: Delivery) => void,
  ): Promise<TransportSubscription>;
}

/** What a transport is asked to deliver. */
export interface SubscriptionRequest {
  /** The consumer group. */
  readonly group: string;
  /** What to read, and of it which types. */
  readonly channels: readonly ChannelSelection[];
  /**
   * `key`: messages of one key keep their order, as far as `capabilities.orderingScope` says.
   * Where that is `process`, `subscribe` refuses a second member of an ordered group with CONFIG_CAPABILITY_MISSING.
   */
  readonly ordering: "none" | "key";
  /**
   * `share`: members of the group split the messages. `each`: this member gets all of them.
   * Without `capabilities.fanOut`, `subscribe` refuses `each` with CONFIG_CAPABILITY_MISSING.
   */
  readonly members: "share" | "each";
  /** Where a group that is new starts. */
  readonly startAt: "new" | "beginning" | Date;
  /** - a subscription never has more unsettled deliveries handed out than this. */
  readonly maxInFlight: number;
  /** `dead-letters`: the channels are left out, and the deliveries are the dead letters of `group`. */
  readonly of?: "messages" | "dead-letters" | undefined;
  /** Faults of the subscription itself (lost, bound again, resource gone); it goes on unless `close` is called. */
  readonly onFault: (error: CodedError) => void;
}

/** `types`: the types of interest, for brokers that filter; a transport may deliver others, core acknowledges them. */
export interface ChannelSelection {
  readonly channel: string;
  /** Types that the consumer handles, for brokers that can filter; `all` where it must see every message. */
  readonly types: readonly string[] | "all";
}

/** A subscription at the transport: the intake of one consumer group. */
export interface TransportSubscription {
  /** - pause ends intake without leaving the group; resume goes on where it stopped. */
  pause(): void;
  /** Takes messages again after a pause. */
  resume(): void;
  /** Changes how many messages may be taken and not yet settled; those that are beyond it stay. */
  setMaxInFlight(count: number): void;
  /** Resolves when nothing new will be handed over. What is under way can still be settled. */
  stop(): Promise<void>;
  /**
   * - close returns every unsettled delivery to the broker, not counted as an attempt of the handler.
   * Settling one of them later is a no-op.
   */
  close(): Promise<void>;
}

/**
 * One delivery of one message, unsettled until `settle` was called once. While it is unsettled the transport keeps it
 * (extends its lease). A crash or a lost connection leads to another delivery.
 */
export interface Delivery {
  /** As it came, not yet decoded. */
  readonly message: IncomingMessage;
  /** 1 on the first delivery; counts what came before, also before a crash where the broker or our header tells. */
  readonly attempt: number;
  /** True when the broker may have delivered it before. */
  readonly redelivered: boolean;
  /** Where the broker had it (`partition`, `offset`, `deliveryTag`, `entryId`, …): for dead letters and spans. */
  readonly origin: Readonly<Record<string, string | number>>;
  /** Aborts when the delivery is no longer ours: lease lost, partition revoked, connection gone, closed. */
  readonly signal: AbortSignal;
  /**
   * Resolves when the broker has taken it, as far as the broker tells.
   * - settling twice the same way is a no-op. - settling again in another way fails with USAGE_ALREADY_SETTLED.
   * - settling after the connection generation is gone is a no-op: the message comes again.
   */
  settle(settlement: Settlement): Promise<void>;
}

/**
 * `ack`: done. `retry`: deliver again to this group only, not before `delayMs`; `attempt` is the one that failed, and
 * the next delivery carries one more.
 * `release`: give it back at once, not counted. `dead-letter`: write `letter` to the group's dead letters, confirmed,
 * and then acknowledge; when that write fails, `settle` rejects and the original stays unsettled.
 */
export type Settlement =
  | { readonly kind: "ack" }
  | { readonly kind: "retry"; readonly delayMs: number; readonly attempt: number }
  | { readonly kind: "release" }
  | { readonly kind: "dead-letter"; readonly letter: OutgoingMessage };
