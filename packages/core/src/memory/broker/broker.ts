import type { WireMessage } from "../../contracts/wire.ts";
import { inspectBroker, type BrokerInspection } from "./inspect.ts";
import { copyMessage } from "./message.ts";
import { resolveBrokerOptions, type MemoryBrokerOptions } from "./options.ts";
import { createServer, type BrokerServer } from "./server.ts";

/** Where transports find the commands of a broker. Holds over two copies of this package. */
export const serverOf: unique symbol = Symbol.for("@postrider/core/memory-broker");

/**
 * A broker in this process: it holds channels, groups and messages, and outlives the transports that connect to it.
 * Give one object to several transports, and they are several services on one broker.
 */
export interface MemoryBroker {
  /** Ends an outage. Clients are connected again, and subscriptions go on, in a later turn of the event loop. */
  start(): void;
  /** Begins an outage: clients lose their connections, unsettled deliveries return. What is stored stays. */
  stop(): void;
  /** Creates a channel where transports do not. Nothing happens when it exists. */
  createChannel(channel: string): void;
  /**
   * Stores a message as a client that knows nothing of this library would.
   * @throws BrokerRefusal when the broker takes no such message now.
   */
  inject(channel: string, message: InjectedMessage): void;
  /**
   * Forgets all messages, dead letters, groups and channels. Subscriptions that run stay bound, with nothing to read.
   * Deliveries under way are lost: settling them does nothing.
   */
  clear(): void;
  /** What it holds at this moment. */
  inspect(): BrokerInspection;
  /** @internal */
  readonly [serverOf]: BrokerServer;
}

/** Everything may be left out. `type` is what subscriptions filter by; default: the attribute `type`. */
export interface InjectedMessage extends Partial<WireMessage> {
  /** Ordering key, as the broker sees it. */
  readonly key?: string | undefined;
  /** The type by which the broker filters; undefined for one that it cannot see. */
  readonly type?: string | undefined;
}

/**
 * A broker in this process, running. Holds what transports publish until it is worked on; nothing outlives it.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  const { server, channels, groups, start, stop, clear } = createServer(resolveBrokerOptions(options));
  return Object.freeze({
    start,
    stop,
    clear,
    createChannel: (channel: string) => void channels.open(channel, "create"),
    inject: (channel: string, message: InjectedMessage) => {
      const { attributes = {}, headers = {}, contentType, body, key, type = attributes["type"] } = message;
      server.publish(copyMessage({ channel, key, type, attributes, headers, contentType, body }), "create");
    },
    inspect: () => inspectBroker(server.running(), channels.all.values(), groups.all()),
    [serverOf]: server,
  });
}
