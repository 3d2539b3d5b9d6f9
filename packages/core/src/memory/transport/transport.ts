import type { Transport, TransportConfig, TransportDriver } from "../../contracts/transport.ts";
import { OptionsError } from "../../errors.ts";
import { serverOf, type MemoryBroker } from "../broker/broker.ts";
import { resolveBrokerOptions } from "../broker/options.ts";
import { memoryCapabilities, type MemoryCapabilities } from "./capabilities.ts";
import { createConnection } from "./connection.ts";
import { createConsumer } from "./consumer.ts";
import { checkUrl, resolveTransportOptions, type MemoryTransportOptions } from "./options.ts";
import { createPublisher } from "./publisher.ts";

/** A transport to a broker in this process. */
export interface MemoryTransport extends Transport<MemoryCapabilities> {
  readonly kind: "memory";
  /** The broker itself: to look into it, to stop and start it, to send what no transport would send. */
  readonly native: MemoryBroker;
  /** Breaks the connection of this transport as a network does; it is back in a later turn of the event loop. */
  cut(): void;
  /** Ends this transport as a process ends that is killed: what it holds returns to the broker, and nothing is told. */
  crash(): void;
}

/**
 * A transport to a broker in this process: everything a broker does, and nothing that outlives the process.
 * Transports of one broker are services on one broker; transports of two never meet.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function memory(options: MemoryTransportOptions = {}): MemoryTransport {
  const { broker, missingChannel, clock } = resolveTransportOptions(options);
  const server = broker[serverOf];
  const connection = createConnection(server, {
    up: () => {
      publisher.up();
      consumer.up();
    },
    down: () => {
      publisher.down();
      consumer.down();
    },
    dead: () => {
      publisher.dead();
      consumer.dead();
    },
  });
  const publisher = createPublisher(server, connection, clock, missingChannel);
  const consumer = createConsumer(server, connection, missingChannel);

  return {
    kind: "memory",
    native: broker,
    capabilities: memoryCapabilities(server.limits.maxMessageBytes),
    publisher: { publish: publisher.publish, publishRun: publisher.publishRun },
    consumer: { subscribe: consumer.subscribe },
    connect: connection.open,
    close: () =>
      connection.close(async () => {
        await consumer.drain();
        await publisher.drain();
      }),
    cut: connection.cut,
    crash: connection.crash,
    state: connection.state,
    onState: connection.onState,
  };
}

/** Transports to `broker`, for a choice of broker by configuration: `{ memory: async () => ({ transport: memoryDriver(broker) }) }`. */
export function memoryDriver(
  broker: MemoryBroker,
): TransportDriver<MemoryTransportOptions, MemoryCapabilities> {
  if (typeof broker !== "object" || broker === null || !(serverOf in broker))
    throw new OptionsError("memoryDriver", ["broker: must be what memoryBroker() returned"]);
  return driver({ broker });
}

/** Transports that each have a broker of their own, unless the options name one. */
export const transport: TransportDriver<MemoryTransportOptions, MemoryCapabilities> = driver({});

function driver(given: MemoryTransportOptions): TransportDriver<MemoryTransportOptions, MemoryCapabilities> {
  const limits = given.broker?.[serverOf].limits ?? resolveBrokerOptions({});
  return Object.freeze({
    kind: "memory",
    schemes: Object.freeze(["memory"]),
    capabilities: memoryCapabilities(limits.maxMessageBytes),
    create: ({ url, options, clock }: TransportConfig<MemoryTransportOptions>) => {
      checkUrl(url);
      return memory({ ...options, clock: options?.clock ?? clock, ...given });
    },
  });
}
