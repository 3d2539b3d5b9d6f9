import type { Transport, TransportConfig, TransportDriver } from "@postrider/core";
import type { Redis } from "ioredis";
import { redisCapabilities, type RedisCapabilities } from "./capabilities.ts";
import { createConnection } from "./connection.ts";
import { createConsumer } from "./consumer.ts";
import { defaultMaxMessageBytes, type RedisOptions, resolveOptions } from "./options.ts";
import { createPublisher } from "./publisher.ts";
import { createNames } from "./streams/names.ts";
import { createSender } from "./streams/sender.ts";
import { createTopology } from "./topology.ts";

/** A transport to Redis Streams. */
export interface RedisTransport extends Transport<RedisCapabilities> {
  readonly kind: "redis";
  /** The client's own connections, for what this transport does not offer; each is replaced when it breaks. */
  readonly native: RedisNative;
}

/** The connections of ioredis at this moment; `undefined` while one is down. Do not close them, and do not block on them. */
export interface RedisNative {
  readonly publishing: Redis | undefined;
  /** Opened with the first subscription. */
  readonly consuming: Redis | undefined;
}

/**
 * A transport to Redis 6.2 or later: confirmed publishing, consumer groups under a lease, retries that the server keeps,
 * and order per key over all members of a group.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function redis(options: RedisOptions = {}): RedisTransport {
  const resolved = resolveOptions(options);
  const names = createNames(resolved.namePrefix);
  const topology = createTopology(resolved, names);
  const connection = createConnection(resolved, {
    publishingUp: () => sender.up(),
    consumingUp: () => consumer.up(),
    consumingDown: (cause) => consumer.down(cause),
  });
  const { publishing, consuming } = connection;
  const sender = createSender({
    link: publishing,
    clock: resolved.clock,
    topology: resolved.topology,
    channel: topology.channel,
    onBlocked: connection.setBlocked,
  });
  const publisher = createPublisher(sender, connection, names, resolved);
  const consumer = createConsumer(connection, { options: resolved, names, topology, consuming });

  return {
    kind: "redis",
    capabilities: redisCapabilities(resolved.maxMessageBytes),
    native: {
      get publishing() {
        return publishing.client();
      },
      get consuming() {
        return consuming.client();
      },
    },
    publisher,
    consumer: { subscribe: consumer.subscribe },
    connect: connection.open,
    close: () =>
      connection.close(async () => {
        await consumer.drain();
        await sender.drain();
      }),
    state: connection.state,
    onState: connection.onState,
  };
}

/** What config-driven loading takes: schemes `redis` and `rediss`. */
export const transport: TransportDriver<RedisOptions, RedisCapabilities> = Object.freeze({
  kind: "redis",
  schemes: Object.freeze(["redis", "rediss"]),
  capabilities: redisCapabilities(defaultMaxMessageBytes),
  create: ({ url, options, clock }: TransportConfig<RedisOptions>) =>
    redis({ ...options, url: url ?? options?.url, clock: options?.clock ?? clock }),
});
