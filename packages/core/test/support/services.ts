import {
  createMessaging,
  memory,
  memoryBroker,
  memoryStore,
  type MemoryBroker,
  type MemoryStore,
  type MemoryTx,
  type MessagingWithoutStore,
  type MessagingWithStore,
  type PublishSettings,
  type RelayOptions,
  type Store,
  type TelemetryOptions,
  type Transport,
  type TransportPublisher,
  type UnitOfWorkDefaults,
} from "@postrider/core";
import { fakeClock, type FakeClock } from "@postrider/core/testing";
import { onTestFinished } from "vitest";
import { recordingLogger } from "./recorder.ts";

export interface Place {
  readonly clock: FakeClock;
  readonly broker: MemoryBroker;
  readonly logger: ReturnType<typeof recordingLogger>;
}

export interface ServiceOptions {
  readonly transport?: Transport | undefined;
  readonly publish?: PublishSettings | undefined;
  readonly relay?: RelayOptions | false | undefined;
  readonly telemetry?: TelemetryOptions | undefined;
  readonly contentMode?: "binary" | "structured" | undefined;
}

/** A broker and a clock that stands still. */
export function place(limits: Parameters<typeof memoryBroker>[0] = {}): Place {
  const clock = fakeClock();
  return { clock, broker: memoryBroker({ clock, ...limits }), logger: recordingLogger() };
}

/** A service that only publishes. */
export async function publisherOn(
  here: Place,
  { transport, ...options }: ServiceOptions = {},
): Promise<MessagingWithoutStore> {
  const { clock, logger } = here;
  const broker = transport ?? memory({ broker: here.broker, clock });
  return closed(here, await createMessaging({ source: "/test", broker, clock, logger, ...options }));
}

/** A service with an outbox in memory. */
export async function serviceOn<Tx = MemoryTx>(
  here: Place,
  {
    transport,
    ...options
  }: ServiceOptions & { readonly store: Store<Tx>; readonly unitOfWork?: UnitOfWorkDefaults<Tx> },
): Promise<MessagingWithStore<Tx>> {
  const { clock, logger } = here;
  const broker = transport ?? memory({ broker: here.broker, clock });
  const messaging = await createMessaging({ source: "/test", broker, clock, logger, ...options });
  return closed(here, messaging);
}

export function storeOn({ clock }: Place): MemoryStore {
  return memoryStore({ clock });
}

/** The transport of the place with its publisher changed. */
export function changedPublisher(
  { broker, clock }: Place,
  change: (real: TransportPublisher) => Partial<TransportPublisher>,
): Transport {
  const transport = memory({ broker, clock });
  const { publisher } = transport;
  return { ...transport, publisher: { ...publisher, ...change(publisher) } };
}

/** Closes it at the end, while time passes: what waits for a broker that never answers is given up by the clock. */
function closed<M extends { close(): Promise<void> }>({ clock }: Place, messaging: M): M {
  onTestFinished(async () => {
    let open = true;
    const closing = messaging.close().finally(() => (open = false));
    while (open) await clock.advance(10_000);
    await closing;
  });
  return messaging;
}
