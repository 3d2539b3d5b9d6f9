import { createAbortWatch, type AbortWatch } from "../abort-watch.ts";
import { assertCapabilities } from "../broker/assert-capabilities.ts";
import type { CapabilityName } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Store } from "../contracts/store.ts";
import type { Transport } from "../contracts/transport.ts";
import { MessagingError, OptionsError, toError } from "../errors.ts";
import { problemOfChannel } from "../event/channel.ts";
import type { EventDraft } from "../event/draft.ts";
import { createMemoryInbox } from "../inbox/memory-inbox.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createAttempts, type AttemptParts } from "./attempt/attempt.ts";
import { startConsumer, type Subscription } from "./consumer.ts";
import { startDeadLetters, type DeadLetterHandler, type DeadLetterSubscription } from "./dead-letters.ts";
import type { ResolvedConsumer } from "./definition.ts";
import type { ConsumerState } from "./intake/intake-switch.ts";
import { createPoolCheck } from "./pool.ts";
import { drainMsOf, problemsOfClose, type CloseOptions } from "./drain.ts";
import { createRefuse } from "./settle/refuse.ts";
import { createStrayGuard, type StrayGuard } from "./attempt/stray.ts";

/** What ends a subscription besides its `close`. */
export interface ConsumeOptions extends CloseOptions {
  /** Ends the subscription as `close` does, with this `drainMs`; already fired, nothing is started. */
  readonly signal?: AbortSignal | undefined;
}

/** The consumers of one messaging. */
export interface Consumers {
  start(
    consumer: ResolvedConsumer,
    needs: readonly CapabilityName[],
    options?: ConsumeOptions,
  ): Promise<Subscription>;
  startDeadLetters(group: string, handler: DeadLetterHandler): Promise<DeadLetterSubscription>;
  /** Those that are started and not closed, with the readers of dead letters. */
  states(): readonly { readonly name: string; readonly state: ConsumerState }[];
  /** Closes all of them side by side, and lets none start any more. */
  close(options?: CloseOptions): Promise<void>;
}

export interface ConsumersParts {
  readonly transport: Transport;
  readonly store: Store<unknown> | undefined;
  readonly attempt: Omit<
    AttemptParts,
    "consumer" | "inbox" | "closing" | "store" | "clock" | "telemetry" | "logger" | "stray"
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  /** Straight to the broker; resolves when it confirmed. */
  readonly publish: (draft: EventDraft) => Promise<void>;
  /** Connections of the store that are not the handlers'. */
  readonly otherConnections: number;
}

interface Closable {
  close(options?: CloseOptions): Promise<void>;
  state?(): ConsumerState;
}

interface Entry extends Closable {
  state(): ConsumerState;
}

/** Ids that an inbox in memory remembers. */
const memoryInboxCapacity = 10_000;

export function createConsumers(parts: ConsumersParts): Consumers {
  const { transport, store, clock, logger, telemetry, random } = parts;
  const open = new Map<string, Entry>();
  const watch = createAbortWatch();
  let stray: StrayGuard | undefined;
  const pool = createPoolCheck(store, parts.otherConnections, logger);
  let closed = false;

  // With the first consumer: who only sends gets no listener on the process.
  const guard = (): StrayGuard => (stray ??= createStrayGuard());

  /**
   * One subscription per name; the name is taken from the start on, so that two starts at once do not both pass.
   * `dress` gets the subscription whose end frees the name.
   */
  const enter = async <S extends Closable>(
    name: string,
    begin: () => Promise<S>,
    dress: (subscription: S) => S = (subscription) => subscription,
  ): Promise<S> => {
    if (closed) throw new MessagingError("USAGE_CLOSED", "This messaging is closed.");
    if (open.has(name)) throw alreadySubscribed(name);
    const leave = () => {
      if (open.get(name) === entry) open.delete(name);
    };
    let state = (): ConsumerState => "starting";
    const started = begin().then((subscription) => {
      state = () => subscription.state?.() ?? "running";
      return dress(leaving(subscription, leave));
    });
    const entry: Entry = {
      state: () => state(),
      close: async (options) => (await started.catch(() => undefined))?.close(options),
    };
    open.set(name, entry);
    try {
      return await started;
    } catch (error) {
      leave();
      throw error;
    }
  };

  const begin = async (
    consumer: ResolvedConsumer,
    needs: readonly CapabilityName[],
  ): Promise<Subscription> => {
    assertCapabilities(transport, needs, `the consumer '${consumer.name}'`);
    refuseIdle(consumer);
    const inbox = inboxOf(consumer, store, logger);
    return startConsumer({
      consumer,
      transport: transport.consumer,
      capabilities: transport.capabilities,
      attempts: (closing) =>
        createAttempts({
          ...parts.attempt,
          store,
          clock,
          logger,
          telemetry,
          stray: guard(),
          consumer,
          inbox,
          closing,
        }),
      refuse: createRefuse({ lineage: parts.attempt.lineage, publish: parts.publish, logger }),
      isConflict: (error) => store?.isRetryable?.(error) === true,
      clock,
      logger,
      telemetry,
      random,
    });
  };

  return {
    start: async (consumer, needs, options = {}) => {
      assertConsumeOptions(options);
      const { signal, drainMs } = options;
      signal?.throwIfAborted();
      const failed = (error: Error) =>
        logger.error("A consumer did not close", { consumer: consumer.name, reason: error.message });
      return enter(
        consumer.name,
        () => begin(consumer, needs),
        (subscription) => {
          const counted = leaving(subscription, pool.add(consumer.name, consumer.concurrency));
          return endedBy(signal, watch, counted, { drainMs }, failed);
        },
      );
    },
    startDeadLetters: async (group, handler) => {
      assertDeadLetters(group, handler);
      return enter(`dead letters of ${group}`, () =>
        startDeadLetters({ group, handler, transport: transport.consumer, stray: guard(), clock, logger }),
      );
    },
    states: () => [...open].map(([name, { state }]) => ({ name, state: state() })),
    close: async (options) => {
      drainMsOf(options);
      closed = true;
      const ends = await Promise.allSettled(
        [...open.values()].map((subscription) => subscription.close(options)),
      );
      for (const end of ends) if (end.status === "rejected") throw toError(end.reason);
    },
  };
}

function assertConsumeOptions(options: ConsumeOptions): void {
  const problems = problemsOfClose(options, { drainMs: true, signal: true });
  const signal = options?.signal;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    problems.push("signal: must be an AbortSignal");
  if (problems.length > 0) throw new OptionsError("consume", problems);
}

function assertDeadLetters(group: unknown, handler: unknown): void {
  const problem = problemOfChannel(group);
  const problems = problem === undefined ? [] : [`group: ${problem}`];
  if (typeof handler !== "function") problems.push("handler: must be a function");
  if (problems.length > 0) throw new OptionsError("consumeDeadLetters", problems);
}

function alreadySubscribed(name: string): MessagingError {
  return new MessagingError("USAGE_ALREADY_SUBSCRIBED", `'${name}' is consumed by this messaging already.`, {
    context: { name },
  });
}

/** The same subscription; `leave` is told of its end. */
function leaving<S extends Closable>(subscription: S, leave: () => void): S {
  const close = async (options?: CloseOptions): Promise<void> => {
    drainMsOf(options);
    try {
      await subscription.close(options);
    } finally {
      leave();
    }
  };
  return { ...subscription, close, [Symbol.asyncDispose]: () => close() };
}

/** The same subscription; the signal ends it too, and its end forgets the signal. */
function endedBy<S extends Closable>(
  signal: AbortSignal | undefined,
  watch: AbortWatch,
  subscription: S,
  options: CloseOptions,
  onFailure: (error: Error) => void,
): S {
  if (signal === undefined) return subscription;
  const end = () => void subscription.close(options).catch((thrown: unknown) => onFailure(toError(thrown)));
  if (signal.aborted) end();
  return leaving(subscription, watch(signal, end));
}

/** Without a handler there is no channel to read. */
function refuseIdle({ name, channels }: ResolvedConsumer): void {
  if (channels.length > 0) return;
  throw new MessagingError("CONFIG_INVALID", `The consumer '${name}' has no handler: add one with on(…).`, {
    context: { consumer: name },
  });
}

/** The inbox that a consumer gets; there is no silent absence. */
function inboxOf(
  consumer: ResolvedConsumer,
  store: Store<unknown> | undefined,
  logger: Logger,
): AttemptParts["inbox"] {
  if (consumer.wantsStore && store === undefined) {
    throw new MessagingError(
      "CONFIG_INVALID",
      `The consumer '${consumer.name}' asks for a store, and createMessaging was given none.`,
      {
        context: { consumer: consumer.name },
      },
    );
  }
  switch (consumer.inbox) {
    case "memory":
      return createMemoryInbox(memoryInboxCapacity);
    case "none":
      return "none";
    case "store":
      return "store";
    case undefined:
      // A mark in the database is one for all instances, and each of them is to work on every message.
      if (consumer.members === "each") return createMemoryInbox(memoryInboxCapacity);
      if (store !== undefined) return "store";
      logger.warn(
        "A consumer has no inbox: a message that comes twice is worked on twice. Give createMessaging a store, or say inbox: 'memory' or 'none'",
        {
          consumer: consumer.name,
        },
      );
      return "none";
  }
}
