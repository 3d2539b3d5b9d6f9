import {
  memoryBroker,
  memoryDriver,
  OptionsError,
  systemClock,
  type BrokerByUrl,
  type Capabilities,
  type MemoryBroker,
  type TransportDriver,
  type TransportLoaders,
} from "@postrider/core";
import type { BrokerChoice } from "./choose.ts";
import { UsageError } from "./usage-error.ts";

/** Sees what a driver's transports do; changes nothing of it. */
export type Tap = <Options, C extends Capabilities>(
  driver: TransportDriver<Options, C>,
) => TransportDriver<Options, C>;

/** The broker that was chosen, as `createMessaging({ broker })` takes it. */
export interface Broker {
  readonly choice: BrokerChoice;
  /** The broker inside this process, used when `choice.kind` is `memory`. */
  readonly local: MemoryBroker;
  access(tap?: Tap): BrokerByUrl<Transports>;
}

type Transports = ReturnType<typeof transportsOf>;

export function openBroker(choice: BrokerChoice): Broker {
  // Room for the largest run, its duplicates included, should consumers lag behind all the way. Nobody reads the past.
  const local = memoryBroker({ maxQueuedMessages: 250_000, retainedMessages: 100 });
  return {
    choice,
    local,
    access: (tap = unchanged) => ({ url: choice.url, transports: transportsOf(local, tap) }),
  };
}

/**
 * Has the driver read the address, which connects nowhere, so that a mistake is told before anything starts.
 *
 * @throws UsageError naming the variable.
 */
export async function checkAddress({ choice: { kind, url }, access }: Broker): Promise<void> {
  const { transport } = await access().transports[kind]();
  try {
    transport.create({ url, options: undefined, clock: systemClock });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const problems = error.problems.map((problem) => problem.replace(/^url: /, ""));
    throw new UsageError(`BROKER_URL: ${problems.join("; ")}`, { cause: error });
  }
}

/** By kind, loaded when the URL asks for one. A broker joins with its package: one line here, one in choose.ts and raw/. */
function transportsOf(local: MemoryBroker, tap: Tap) {
  return {
    memory: async () => ({ transport: tap(memoryDriver(local)) }),
    rabbitmq: async () => ({ transport: tap((await import("@postrider/rabbitmq")).transport) }),
    redis: async () => ({ transport: tap((await import("@postrider/redis")).transport) }),
  } satisfies TransportLoaders;
}

const unchanged: Tap = (driver) => driver;
