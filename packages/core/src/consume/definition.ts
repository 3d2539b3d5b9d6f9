import type { CapabilityName } from "../contracts/capabilities.ts";
import type { Message } from "../contracts/message.ts";
import type { Transactor } from "../contracts/transaction.ts";
import type { Catalog } from "../event/catalog.ts";
import type { Definition, MessageOf, ReplyInputOf } from "../event/definition.ts";
import type { DefinitionParts } from "../event/definition-parts.ts";
import type { ForeignMapper } from "../envelope/foreign.ts";
import type { ErrorRule } from "../failure/error-rule.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import type { UntypedTransaction } from "../work/untyped.ts";
import type { BatchContext, HandlerContext } from "./context.ts";

/** Works on one message. Event handlers return nothing: a returned value is a mistake that should not pass in silence. */
export type Handler<D extends Definition, Tx = UntypedTransaction> = (
  message: MessageOf<D>,
  context: HandlerContext<Tx>,
) => ReplyInputOf<D> | Promise<ReplyInputOf<D>>;

/** Works on several messages of one type, in the order they came, in one transaction. */
export type BatchHandler<D extends Definition<"event">, Tx = UntypedTransaction> = (
  events: readonly [MessageOf<D>, ...MessageOf<D>[]],
  context: BatchContext<Tx, MessageOf<D>>,
) => void | Promise<void>;

/** When a batch is full enough to be handled. */
export interface BatchOptions {
  /** Messages per batch, at most. Default 50. */
  readonly maxSize?: number | undefined;
  /** How long the first message of a batch waits for others, in milliseconds. Default 20. */
  readonly maxWaitMs?: number | undefined;
}

/** Where a consumer group that is new starts: with what comes, with the oldest there is, or at a time. */
export type StartAt = "new" | "beginning" | Date;

// Options that need a capability have a type parameter of their own; all others are plain, so misspelled ones are errors.
/** How a consumer works. Every option has a default. */
export interface ConsumerOptions<
  Tx,
  Ordering extends "none" | "key",
  Start extends StartAt,
  Members extends "share" | "each",
> {
  /** Only its type is used: it gives `tx` in handlers its type. The store that works is the messaging's. */
  readonly store?: Transactor<Tx> | undefined;
  /** Default: 5 attempts, from 200 ms doubling to 60 s. */
  readonly retry?: RetryPolicy | undefined;
  /** Lines of `onError(…)`; the first that matches decides. Default none. */
  readonly errors?: readonly ErrorRule[] | undefined;
  /** Handlers at work at once, 1 to 10,000; a batch counts as one. Default 16. */
  readonly concurrency?: number | undefined;
  /** Messages taken from the broker and not yet settled. Default: twice the concurrency, and room for two batches. */
  readonly maxInFlight?: number | undefined;
  /** How long a handler may take, in milliseconds; `Infinity` for no limit. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * What drops the second copy of a message. `store`: a mark in the handler's transaction. `memory`: the last ids seen
   * by this process, lost with it. `none`: handlers see every copy. Default `memory` with `members: "each"`, else
   * `store` where the messaging has one, else `none`, which is said in the log at the start.
   */
  readonly inbox?: "store" | "memory" | "none" | undefined;
  /** `key`: messages of one key one after another, in order, also through retries. Default `none`. */
  readonly ordering?: Ordering | undefined;
  /**
   * With `ordering: "key"`, when the attempts of a message are used up. `skip`: it goes to the dead letters and later
   * messages of its key go on. `hold-key`: it is tried again for ever at the policy's last wait and the key waits,
   * which takes its share of `maxInFlight`. Default `skip`.
   */
  readonly onExhausted?: "skip" | "hold-key" | undefined;
  /**
   * A message of a type that nobody here handles, in a channel that is read. `ack`: a broker that can filter by type is
   * asked for the handled types alone and never delivers it, as in memory; where it comes all the same, it is
   * acknowledged and counted as `unhandled`. `dead-letter`: all types are read, and it goes to the dead letters.
   * Default `ack`.
   */
  readonly unhandled?: "ack" | "dead-letter" | undefined;
  /** Turns messages that are no CloudEvents into ones; undefined leaves a message undecodable. Default none. */
  readonly foreign?: ForeignMapper | undefined;
  /** Where a group that is new starts. Default `new`. */
  readonly startAt?: Start | undefined;
  /** `each`: every instance gets every message. Default `share`. */
  readonly members?: Members | undefined;
  /** Channels to read besides those of the handled definitions. */
  readonly channels?: readonly string[] | undefined;
}

/**
 * The parameter type of `on`: the definition itself, or the sentence that says why not. A conditional as the whole
 * parameter gives a message of one line on the argument itself, and `D` is still inferred through it. A definition of
 * plain type `string` (from a list) is let through and checked at run time.
 */
export type Unhandled<D extends Definition, Handled extends string> = string extends D["type"]
  ? D
  : D["type"] extends Handled
    ? `This consumer already handles '${D["type"]}'`
    : D;

/**
 * What `consume` takes, and what to annotate an exported const with: `export const shipping: Consumer<PoolClient> = …`.
 * Contravariant in `Tx`: a consumer that asks for no transaction runs on every store. Kept apart from the builder,
 * whose `on` hands `Tx` OUT to handlers: one interface doing both would be invariant and fit nowhere.
 */
export interface Consumer<in Tx = UntypedTransaction, out Needs extends CapabilityName = CapabilityName> {
  /** The consumer group at the broker, and what inbox, logs and metrics call it. */
  readonly name: string;
  /** Capabilities that its options ask for: `consume` refuses a broker that lacks one. */
  readonly needs: readonly Needs[];
  /** For the compiler only: never set. */
  readonly "~tx"?: ((tx: Tx) => void) | undefined;
}

/** Immutable: each call returns the next value, and each value is a complete consumer. */
export interface ConsumerBuilder<Tx, Handled extends string, Needs extends CapabilityName> extends Consumer<
  Tx,
  Needs
> {
  /**
   * One handler for one definition. What it throws rolls its transaction back and goes by the consumer's
   * retry policy.
   *
   * @throws MessagingError USAGE_DUPLICATE_HANDLER for a type that is handled already; USAGE_WRONG_KIND for
   * what is no definition or no function.
   */
  on<D extends Definition>(
    definition: Unhandled<D, Handled>,
    handler: Handler<D, Tx>,
  ): ConsumerBuilder<Tx, Handled | D["type"], Needs>;
  /** One handler for several definitions: a union, told apart by `message.type` or `OrderPlaced.is(message)`. */
  onEach<D extends Definition>(
    definitions: [D["type"] & Handled] extends [never]
      ? readonly D[]
      : `This consumer already handles '${D["type"] & Handled}'`,
    handler: Handler<D, Tx>,
  ): ConsumerBuilder<Tx, Handled | D["type"], Needs>;
  /**
   * One handler for several messages of one event, up to `maxSize` or for `maxWaitMs`, in one transaction.
   * When it throws, all of the batch is rolled back and its messages run one by one, each as a batch of one:
   * only those attempts count, so that one bad message costs the others nothing. `context.fail` takes a
   * message out without that.
   *
   * @throws OptionsError (CONFIG_INVALID) for wrong options; else like `on`.
   */
  onBatch<D extends Definition<"event">>(
    definition: Unhandled<D, Handled>,
    handler: BatchHandler<D, Tx>,
    options?: BatchOptions,
  ): ConsumerBuilder<Tx, Handled | D["type"], Needs>;
  /** On purpose without a handler: acknowledged unseen. Counts as handled. */
  ignore<D extends Definition>(
    definition: Unhandled<D, Handled>,
  ): ConsumerBuilder<Tx, Handled | D["type"], Needs>;
  /** Compiles only when each definition of the catalog is handled or ignored. */
  exhaustive<Types extends string>(
    catalog: [Exclude<Types, Handled>] extends [never]
      ? Catalog<Types>
      : `No handler for '${Exclude<Types, Handled>}'`,
  ): Consumer<Tx, Needs>;
}

/** How a handler is called, once the types are erased. */
export type Route =
  | {
      readonly mode: "single";
      readonly parts: DefinitionParts;
      readonly handler: (message: Message, context: HandlerContext<unknown>) => unknown;
    }
  | {
      readonly mode: "batch";
      readonly parts: DefinitionParts;
      readonly handler: (messages: readonly Message[], context: BatchContext<unknown, Message>) => unknown;
      readonly maxSize: number;
      readonly maxWaitMs: number;
    }
  | { readonly mode: "ignore"; readonly parts: DefinitionParts };

/** A consumer's options with every default filled in. */
export interface ResolvedConsumer {
  readonly name: string;
  readonly routes: ReadonlyMap<string, Route>;
  readonly retry: RetryPolicy;
  readonly errors: readonly ErrorRule[];
  readonly concurrency: number;
  readonly maxInFlight: number;
  readonly timeoutMs: number;
  readonly inbox: "store" | "memory" | "none" | undefined;
  readonly ordering: "none" | "key";
  readonly onExhausted: "skip" | "hold-key";
  readonly unhandled: "ack" | "dead-letter";
  readonly foreign: ForeignMapper | undefined;
  readonly startAt: StartAt;
  readonly members: "share" | "each";
  readonly channels: readonly string[];
  /** The handlers ask for a transaction of a store. */
  readonly wantsStore: boolean;
}
