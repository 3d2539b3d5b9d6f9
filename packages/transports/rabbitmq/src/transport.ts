import type { Transport, TransportConfig, TransportDriver } from "@postrider/core";
import type { ChannelModel } from "amqplib";
import { createCopies } from "./amqp/copies.ts";
import { createNames } from "./amqp/names.ts";
import { createSender } from "./amqp/sender.ts";
import { rabbitmqCapabilities, type RabbitmqCapabilities } from "./capabilities.ts";
import { createConnection } from "./connection.ts";
import { createConsumer } from "./consumer.ts";
import { defaultMaxMessageBytes, resolveOptions, type RabbitmqOptions } from "./options.ts";
import { createPublisher } from "./publisher.ts";
import { createTopology } from "./topology.ts";

/** A transport to RabbitMQ. */
export interface RabbitmqTransport extends Transport<RabbitmqCapabilities> {
  readonly kind: "rabbitmq";
  /** The client's own connections, for what this transport does not offer; each is replaced when it breaks. */
  readonly native: RabbitmqNative;
}

/** The connections of amqplib at this moment; `undefined` while one is down. Do not close them. */
export interface RabbitmqNative {
  readonly publishing: ChannelModel | undefined;
  /** Opened with the first subscription. */
  readonly consuming: ChannelModel | undefined;
}

/**
 * A transport to RabbitMQ 3.10 or later, by AMQP 0-9-1: confirmed publishing, quorum queues, wait queues for retries, and
 * order per key over all members of a group.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function rabbitmq(options: RabbitmqOptions = {}): RabbitmqTransport {
  const resolved = resolveOptions(options);
  const { clock, topology: mode } = resolved;
  const names = createNames(resolved.namePrefix);
  const topology = createTopology(resolved, names);
  const connection = createConnection(resolved, {
    publishingUp: (model) => {
      for (const sender of senders) sender.up(model);
    },
    publishingDown: () => {
      for (const sender of senders) sender.down();
    },
    publishingBlocked: () => {
      for (const sender of senders) sender.blocked();
    },
    publishingUnblocked: () => {
      for (const sender of senders) sender.unblocked();
    },
    consumingUp: () => copies.forget(),
    consumingDown: (cause) => consumer.down(cause),
  });
  const { publishing, consuming } = connection;
  // Settlements have a channel of their own: they must not wait behind what is published, nor die with it.
  const parts = { link: publishing, clock, exchange: topology.exchange };
  const messages = createSender({ ...parts, missingExchange: mode === "none" ? "refuse" : "ask" });
  const settlements = createSender({ ...parts, missingExchange: "refuse" });
  const senders = [messages, settlements];
  const copies = createCopies(settlements, consuming, topology, resolved);
  const publisher = createPublisher(messages, connection, names, resolved);
  const consumer = createConsumer(connection, {
    options: resolved,
    names,
    topology,
    copies,
    consuming,
    publishing,
  });

  return {
    kind: "rabbitmq",
    capabilities: rabbitmqCapabilities(resolved.maxMessageBytes),
    native: {
      get publishing() {
        return publishing.model();
      },
      get consuming() {
        return consuming.model();
      },
    },
    publisher,
    consumer: { subscribe: consumer.subscribe },
    connect: connection.open,
    close: () =>
      connection.close(async () => {
        await consumer.drain();
        await Promise.all(senders.map((sender) => sender.drain()));
      }),
    state: connection.state,
    onState: connection.onState,
  };
}

/** What config-driven loading takes: schemes `amqp` and `amqps`. */
export const transport: TransportDriver<RabbitmqOptions, RabbitmqCapabilities> = Object.freeze({
  kind: "rabbitmq",
  schemes: Object.freeze(["amqp", "amqps"]),
  capabilities: rabbitmqCapabilities(defaultMaxMessageBytes),
  create: ({ url, options, clock }: TransportConfig<RabbitmqOptions>) =>
    rabbitmq({ ...options, url: url ?? options?.url, clock: options?.clock ?? clock }),
});
