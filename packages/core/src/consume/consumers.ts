import { assertCapabilities } from "../broker/assert-capabilities.ts";
import type { CapabilityName } from "../contracts/capabilities.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Store } from "../contracts/store.ts";
import type { Transport } from "../contracts/transport.ts";
import { MessagingError, toError } from "../errors.ts";
import { createMemoryInbox } from "../inbox/memory-inbox.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createAttempts, type AttemptParts } from "./attempt.ts";
import { startConsumer, type CloseOptions, type Subscription } from "./consumer.ts";
import { startDeadLetters, type DeadLetterHandler, type DeadLetterSubscription } from "./dead-letters.ts";
import type { ResolvedConsumer } from "./definition.ts";
import { createStrayGuard } from "./stray.ts";

export interface ConsumeOptions extends CloseOptions {
  /** Ends the subscription as `close` does; already fired, nothing is started. */
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
  names(): readonly string[];
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
}

interface Closable {
  close(options?: CloseOptions): Promise<void>;
}

/** Ids that an inbox in memory remembers. */
const memoryInboxCapacity = 10_000;

export function createConsumers(parts: ConsumersParts): Consumers {
  const { transport, store, clock, logger, telemetry, random } = parts;
  const stray = createStrayGuard();
  const open = new Map<string, Closable>();
  let closed = false;

  /** One subscription per name; the name is taken from the start on, so that two starts at once do not both pass. */
  const enter = async <S extends Closable>(name: string, begin: () => Promise<S>): Promise<S> => {
    if (closed) throw new MessagingError("USAGE_CLOSED", "This messaging is closed.");
    if (open.has(name)) {
      throw new MessagingError(
        "USAGE_ALREADY_SUBSCRIBED",
        `'${name}' is consumed by this messaging already.`,
        { context: { name } },
      );
    }
    let started: Promise<S> | undefined;
    open.set(name, { close: async (options) => (await started?.catch(() => undefined))?.close(options) });
    try {
      started = begin();
      return await started;
    } catch (error) {
      open.delete(name);
      throw error;
    }
  };
  /** The same subscription; its end frees its name. */
  const leaving = <S extends Closable>(name: string, subscription: S, onClose = () => {}): S => {
    const close = async (options?: CloseOptions): Promise<void> => {
      onClose();
      await subscription.close(options);
      open.delete(name);
    };
    return { ...subscription, close, [Symbol.asyncDispose]: () => close() };
  };

  const begin = async (
    consumer: ResolvedConsumer,
    needs: readonly CapabilityName[],
  ): Promise<Subscription> => {
    assertCapabilities(transport, needs, `the consumer '${consumer.name}'`);
    const inbox = inboxOf(consumer, store, logger);
    const subscription = await startConsumer({
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
          stray,
          consumer,
          inbox,
          closing,
        }),
      isConflict: (error) => store?.isRetryable?.(error) === true,
      clock,
      logger,
      telemetry,
      random,
    });
    return leaving(consumer.name, subscription);
  };

  return {
    start: async (consumer, needs, { signal, drainMs } = {}) => {
      signal?.throwIfAborted();
      const subscription = await enter(consumer.name, () => begin(consumer, needs));
      if (signal === undefined) return subscription;
      const end = () => {
        subscription.close({ drainMs }).catch((error: unknown) => {
          logger.error("A consumer did not close", {
            consumer: consumer.name,
            reason: toError(error).message,
          });
        });
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
      return leaving(consumer.name, subscription, () => signal.removeEventListener("abort", end));
    },
    startDeadLetters: (group, handler) => {
      const name = `dead letters of ${group}`;
      return enter(name, async () =>
        leaving(name, await startDeadLetters(group, handler, transport.consumer, logger)),
      );
    },
    names: () => [...open.keys()],
    close: async (options) => {
      closed = true;
      await Promise.all([...open.values()].map((subscription) => subscription.close(options)));
      stray.close();
    },
  };
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
