import { connect } from "amqplib";
import type { Broker } from "../wiring/brokers.ts";
import type { RawClient, RawClientOptions } from "./raw-client.ts";

/** On RabbitMQ: a queue of its own beside those of the groups, and the same message published once more. */
export async function startRabbitmqRawClient(
  { choice }: Broker,
  { channel: exchange, sendAgain }: RawClientOptions,
): Promise<RawClient> {
  const connection = await connect(choice.url, { noDelay: true });
  // A connection that breaks ends this client: the run then waits in vain for its copies, and says so.
  connection.on("error", () => {});
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  const copies = new Set<string>();
  let injected = 0;

  await channel.assertExchange(exchange, "topic", { durable: true });
  const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
  await channel.bindQueue(queue, exchange, "#");
  await channel.consume(
    queue,
    (message) => {
      if (message === null) return;
      const { content, fields, properties } = message;
      const id = String(properties.messageId);
      // Its own copies come back to it as well: each of them once.
      if (copies.delete(id) || !sendAgain(content)) return;
      copies.add(id);
      channel.publish(exchange, fields.routingKey, content, properties);
      injected += 1;
    },
    { noAck: true },
  );
  return { injected: () => injected, close: () => connection.close() };
}
