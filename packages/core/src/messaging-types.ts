import type { Absent } from "./broker/broker-options.ts";
import type { Subscription } from "./consume/consumer.ts";
import type { ConsumeOptions } from "./consume/consumers.ts";
import type { DeadLetterHandler, DeadLetterSubscription } from "./consume/dead-letters.ts";
import type { Consumer } from "./consume/definition.ts";
import type { CloseOptions } from "./consume/drain.ts";
import type { Capabilities, CapabilityName } from "./contracts/capabilities.ts";
import type { Store } from "./contracts/store.ts";
import type { MessagingHealth } from "./health.ts";
import type { Outbox } from "./outbox/outbox.ts";
import type { Publisher } from "./publish/publisher.ts";
import type { Relay } from "./relay/relay.ts";
import type { Requester } from "./request/requester.ts";
import type { DomainHandlers } from "./work/domain-handlers.ts";
import type { UnitOfWorkOptions } from "./work/unit-options.ts";
import type { UnitOfWorkRunner } from "./work/unit-of-work.ts";
import type { UntypedTransaction } from "./work/untyped.ts";

/** All names at once is the default of an annotated `Consumer<Tx>`: its needs are not known here, and checked at the start. */
export type Supported<Wanted, Needs extends CapabilityName, C extends Capabilities> = [
  CapabilityName,
] extends [Needs]
  ? Consumer<Wanted, Needs>
  : [{ [K in Needs]: C[K] extends Absent ? K : never }[Needs]] extends [never]
    ? Consumer<Wanted, Needs>
    : `${C["transport"]} has no '${{ [K in Needs]: C[K] extends Absent ? K : never }[Needs]}', which this consumer's options ask for`;

/** The parameter type of `consume`: the consumer, or the name of what is wrong. */
export type Consumable<Wanted, Needs extends CapabilityName, Tx, C extends Capabilities> = [
  UntypedTransaction,
] extends [Wanted]
  ? Supported<Wanted, Needs, C>
  : [Tx] extends [undefined]
    ? "This consumer's handlers use a transaction, and createMessaging was given no store"
    : [Tx] extends [Wanted]
      ? Supported<Wanted, Needs, C>
      : "This consumer's handlers expect another transaction type than the store of this messaging gives";

/** What both kinds of messaging have. */
export interface MessagingBase<Tx, C extends Capabilities>
  extends Publisher, Pick<Requester, "request">, AsyncDisposable {
  /** The CloudEvents `source` that was given. */
  readonly source: string;
  /** What the broker can do, detected at the connection where the transport does that. */
  readonly capabilities: C;
  /**
   * Starts a consumer. Resolves when its group is bound at the broker: what is published later arrives.
   *
   * @throws MessagingError CONFIG_CAPABILITY_MISSING naming capability and option; USAGE_WRONG_KIND for what is no
   * consumer; USAGE_ALREADY_SUBSCRIBED; USAGE_CLOSED after `close`; TRANSPORT_* when the broker refuses.
   */
  consume<Wanted, Needs extends CapabilityName>(
    consumer: Consumable<Wanted, Needs, Tx, C>,
    options?: ConsumeOptions,
  ): Promise<Subscription>;
  /**
   * Reads the dead letters of a consumer group, one call each. A letter is removed when the handler returns. When it
   * throws, the letter stays and comes again a second later, as often as it takes. Up to 16 are looked at at once.
   *
   * @throws OptionsError (CONFIG_INVALID) for what is no name of a group, or no handler.
   * @throws MessagingError USAGE_ALREADY_SUBSCRIBED where this messaging reads them already; USAGE_CLOSED after `close`;
   * TRANSPORT_* when the broker refuses.
   */
  consumeDeadLetters(group: string, handler: DeadLetterHandler): Promise<DeadLetterSubscription>;
  /**
   * How broker, store, relay and consumers are, each for itself: made for the readiness of a service. Asks the store
   * one question, with at most one connection whoever asks; the rest is known. Never rejects, and answers in a second.
   */
  health(): Promise<MessagingHealth>;
  /**
   * Keeps the process alive until the signal fires, then closes with this `drainMs`. Resolves when it is closed, also
   * when `close` was called somewhere else.
   *
   * @throws OptionsError (CONFIG_INVALID) without an `AbortSignal`, and for a `drainMs` that is no number from 0.
   * @throws MessagingError USAGE_CLOSED after `close`.
   */
  run(options: CloseOptions & { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Consumers first; then the relay, publishes under way, and the transport, in what is left of `drainMs`. Ends two
   * seconds after `drainMs` at the latest, also when broker or database hang: nothing is lost then, and what was not
   * confirmed or acknowledged is done again. The store stays open, it is yours. Safe to call twice; the first decides.
   *
   * @throws OptionsError (CONFIG_INVALID) for a `drainMs` that is no number from 0; nothing is closed then.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** What you get without a store: no outbox, no inbox in the database, no `tx` in handlers. */
export interface MessagingWithoutStore<C extends Capabilities = Capabilities> extends MessagingBase<
  undefined,
  C
> {}

/** What you get with a store: the outbox, units of work, and the relay of this process. */
export interface MessagingWithStore<Tx, C extends Capabilities = Capabilities> extends MessagingBase<Tx, C> {
  /** Adds events to a transaction of yours. */
  readonly outbox: Outbox<Tx>;
  /** The relay of this process; undefined with `relay: false`. */
  readonly relay: Relay | undefined;
  /**
   * Units of work on this store. Without `handlers` those of `createMessaging({ unitOfWork })` handle domain events, and
   * options that are not given are the ones given there.
   *
   * @throws OptionsError (CONFIG_INVALID), also for definitions in `events` that have no handler.
   */
  unitOfWork(handlers?: DomainHandlers<Tx>, options?: UnitOfWorkOptions): UnitOfWorkRunner<Tx>;
}

/** For parameters: `messaging: Messaging<typeof store>`. */
export type Messaging<
  // eslint-disable-next-line typescript/no-explicit-any -- any store: its transaction is inferred from `S`
  S extends Store<any> | undefined = undefined,
  C extends Capabilities = Capabilities,
> = S extends Store<infer Tx> ? MessagingWithStore<Tx, C> : MessagingWithoutStore<C>;

/** Capabilities that are certain: offered by every transport that may run, or demanded by `requires`. */
export type Require<C extends Capabilities, R extends CapabilityName> = C & {
  readonly [K in R]: Exclude<C[K], Absent>;
};
