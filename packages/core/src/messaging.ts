import type { Known, TransportLoaders } from "./broker/broker-options.ts";
import { assertCapabilities } from "./broker/assert-capabilities.ts";
import { claim } from "./broker/claim.ts";
import { openTransport } from "./broker/open-transport.ts";
import { keepAlive } from "./broker/keep-alive.ts";
import { start } from "./broker/start.ts";
import { systemClock } from "./clock.ts";
import { closeInOrder } from "./close.ts";
import { createConsumers, type ConsumeOptions } from "./consume/consumers.ts";
import { resolvedConsumer } from "./consume/define-consumer.ts";
import type { Consumer } from "./consume/definition.ts";
import { drainMsOf, problemsOfClose, type CloseOptions } from "./consume/drain.ts";
import type { Capabilities, CapabilityName } from "./contracts/capabilities.ts";
import type { Clock } from "./contracts/clock.ts";
import type { Logger } from "./contracts/logger.ts";
import type { Store } from "./contracts/store.ts";
import type { Transport } from "./contracts/transport.ts";
import { createLineageScope } from "./envelope/lineage.ts";
import { createSealer, type Sealer } from "./envelope/seal.ts";
import { createUuidV7 } from "./envelope/uuid-v7.ts";
import { MessagingError, OptionsError } from "./errors.ts";
import type { EventDraft } from "./event/draft.ts";
import { createHealthCheck } from "./health.ts";
import { consoleLogger, guardLogger } from "./logger.ts";
import {
  resolveMessagingOptions,
  type LooseOptions,
  type MessagingOptions,
  type ResolvedMessaging,
} from "./messaging-options.ts";
import type { Messaging, MessagingBase, MessagingWithStore, Require } from "./messaging-types.ts";
import { createOutbox } from "./outbox/outbox.ts";
import { createDispatcher } from "./publish/dispatcher.ts";
import { createPublisher } from "./publish/publisher.ts";
import { createStamp } from "./publish/stamp.ts";
import { createRelayLoop } from "./relay/relay.ts";
import { createRequester } from "./request/requester.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import { createAmbientUnits } from "./work/ambient.ts";
import type { UnitOfWork } from "./work/context.ts";
import { linkOf } from "./work/unit.ts";
import { resolveUnits } from "./work/unit-options.ts";
import { createUnitOfWork } from "./work/unit-of-work.ts";

/*
 * Wires both paths: the only file that sees the publish side and the consume side.
 */

/**
 * Connects to the broker, checks the store's schema, and starts the relay.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem; CONFIG_TRANSPORT_*, CONFIG_CAPABILITY_MISSING;
 * TRANSPORT_UNAVAILABLE, TRANSPORT_ACCESS_REFUSED; STORE_UNAVAILABLE, STORE_ACCESS_REFUSED, STORE_SCHEMA_MISSING. What
 * was opened is closed.
 */
export async function createMessaging<
  L extends TransportLoaders = {},
  K extends keyof L & string = keyof L & string,
  C extends Capabilities = Known<L, K>,
  R extends CapabilityName = never,
  // eslint-disable-next-line typescript/no-explicit-any -- any store: its transaction is inferred from `S`
  S extends Store<any> | undefined = undefined,
>(options: MessagingOptions<L, K, C, R, S>): Promise<Messaging<S, [R] extends [never] ? C : Require<C, R>>> {
  // The public type follows from the options; inside, the transaction is somebody else's and stays unknown.
  return (await open(options as unknown as LooseOptions)) as never;
}

async function open(options: LooseOptions): Promise<object> {
  const settings = resolveMessagingOptions(options);
  const clock = options.clock ?? systemClock;
  const logger = guardLogger(options.logger ?? consoleLogger);
  const sealer = createSealer({ source: options.source, newId: createUuidV7(clock), clock });
  const transport = await openTransport(options.broker, clock);
  const release = claim(transport);
  try {
    await start(transport, options.store, settings.startRetryMs, clock, logger);
    await demandCapabilities(transport, options);
  } catch (error) {
    release();
    throw error;
  }
  return wire({ options, settings, clock, logger, sealer, transport, release });
}

async function demandCapabilities(transport: Transport, { requires = [] }: LooseOptions): Promise<void> {
  try {
    assertCapabilities(transport, requires, "createMessaging({ requires })");
  } catch (error) {
    await transport.close().catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}

interface Opened {
  readonly options: LooseOptions;
  readonly settings: ResolvedMessaging;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sealer: Sealer;
  readonly transport: Transport;
  /** Gives the transport back, for the next messaging. */
  readonly release: () => void;
}

/** What both paths share. */
function wireShared({ options, clock, logger, sealer, transport }: Opened) {
  const telemetry = createTelemetry(transport.kind, options.telemetry);
  const lineage = createLineageScope();
  const ambient = createAmbientUnits<UnitOfWork<unknown>>();
  const stamp = createStamp(sealer, lineage, telemetry);
  const unit = {
    ambient,
    lineage,
    seal: (drafts: readonly EventDraft[]) => stamp.forOutbox(drafts, "publish"),
    telemetry,
    clock,
    logger,
    newId: createUuidV7(clock),
    stale: new WeakSet<object>(),
  };
  return { transport, clock, logger, random: Math.random, telemetry, lineage, ambient, stamp, unit };
}

type Shared = ReturnType<typeof wireShared>;

function wirePublisher(shared: Shared, settings: ResolvedMessaging) {
  const { transport, clock, telemetry, stamp, ambient } = shared;
  const dispatcher = createDispatcher(transport.publisher, settings, clock, telemetry);
  const publisher = createPublisher({
    stamp,
    dispatcher,
    telemetry,
    clock,
    contentMode: settings.contentMode,
    deadlineMs: settings.deadlineMs,
    insideUnit: () => {
      const unit = ambient.current();
      return unit && { publish: unit.publish, reroutes: linkOf(unit)?.directPublish === "reroute" };
    },
  });
  return { dispatcher, publisher };
}

function wire(opened: Opened): object {
  const { options, settings, transport, release } = opened;
  const { source, store } = options;
  const shared = wireShared(opened);
  const { ambient, lineage, stamp, unit, clock, logger, random } = shared;
  const { dispatcher, publisher } = wirePublisher(shared, settings);
  const { units } = settings;
  const attempt = { unit, units, publishAll: publisher.publishSealed, lineage };
  // The relay's, and one for what the service does besides.
  const otherConnections = settings.relay === undefined ? 1 : 2;
  const consumers = createConsumers({
    ...shared,
    store,
    attempt,
    otherConnections,
    publish: (draft) => publisher.publish(draft),
  });
  const requester = createRequester({
    ...shared,
    transport,
    newId: unit.newId,
    publish: publisher.publish,
    insideUnit: () => ambient.current() !== undefined,
  });
  const relay =
    store === undefined || settings.relay === undefined
      ? undefined
      : createRelayLoop({ ...shared, store, options: settings.relay });
  relay?.start();
  const check = createHealthCheck({ transport, store, relay, consumers: consumers.states, clock });

  let closed: Promise<void> | undefined;
  const closing = new AbortController();
  const close = async (closeOptions?: CloseOptions): Promise<void> => {
    const drainMs = drainMsOf(closeOptions); // refused before anything is closed
    // Timers keep no process alive: a close that is waited for must not end with the process in its middle.
    closing.abort();
    closed ??= keepAlive(
      closeInOrder(
        [
          { name: "consumers", close: (leftMs) => consumers.close({ drainMs: leftMs }) },
          { name: "relay", close: (leftMs) => relay?.stop({ drainMs: leftMs }) },
          { name: "requests", close: requester.close },
          { name: "publishes", close: dispatcher.close },
        ],
        { name: "transport", close: () => transport.close() },
        drainMs,
        clock,
        logger,
      ).finally(() => {
        check.close();
        release();
      }),
    );
    await closed;
  };

  const base: MessagingBase<unknown, Capabilities> = {
    source,
    capabilities: transport.capabilities,
    publish: publisher.publish,
    send: publisher.send,
    request: requester.request,
    publishBatch: publisher.publishBatch,
    forward: publisher.forward,
    consume: async (consumer: unknown, consumeOptions?: ConsumeOptions) =>
      consumers.start(resolvedConsumer(consumer), (consumer as Consumer).needs, consumeOptions),
    consumeDeadLetters: consumers.startDeadLetters,
    health: check.health,
    run: async (runOptions) => {
      assertRunOptions(runOptions);
      if (closed !== undefined) throw new MessagingError("USAGE_CLOSED", "This messaging is closed.");
      const { signal, drainMs } = runOptions;
      await keepAlive(firstOf(signal, closing.signal));
      await close({ drainMs });
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  if (store === undefined) return base;
  const runner = { store, ambient, unit, clock, random, logger };
  const plainRunner = createUnitOfWork({ ...runner, settings: units });
  const withStore: MessagingWithStore<unknown> = {
    ...base,
    outbox: createOutbox(store, stamp),
    relay,
    unitOfWork: (handlers, unitOptions) => {
      if (handlers === undefined && unitOptions === undefined) return plainRunner;
      const given = { handlers, options: unitOptions ?? {}, hasJournal: store.journal !== undefined };
      return createUnitOfWork({ ...runner, settings: resolveUnits("unitOfWork", given, units) });
    },
  };
  return withStore;
}

function assertRunOptions(options: CloseOptions & { readonly signal: AbortSignal }): void {
  const problems = problemsOfClose(options, { drainMs: true, signal: true });
  if (!(options?.signal instanceof AbortSignal))
    problems.push("signal: must be an AbortSignal, which ends the run");
  if (problems.length > 0) throw new OptionsError("run", problems);
}

/** Resolves when one of them has fired, and leaves no listener on the others. */
function firstOf(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const fired = new AbortController();
    const fire = () => {
      fired.abort();
      resolve();
    };
    for (const signal of signals) {
      if (signal.aborted) fire();
      signal.addEventListener("abort", fire, { signal: fired.signal });
    }
  });
}
