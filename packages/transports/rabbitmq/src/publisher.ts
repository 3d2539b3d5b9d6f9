import {
  MessagingError,
  type OutgoingMessage,
  type PublishBounds,
  type PublishOutcome,
  type TransportPublisher,
} from "@postrider/core";
import type { JobShape, Parcel } from "./amqp/job.ts";
import { type Names, problemsOfChannel, routingKey } from "./amqp/names.ts";
import type { Sender } from "./amqp/sender.ts";
import type { Connection } from "./connection.ts";
import { closedError, rejected } from "./errors.ts";
import { toNative } from "./mapping.ts";
import type { ResolvedOptions } from "./options.ts";

/** From core's messages to the sender: refused here is what the broker would refuse at the cost of others. */
export function createPublisher(
  sender: Sender,
  connection: Connection,
  names: Names,
  options: ResolvedOptions,
): TransportPublisher {
  const submit = (
    messages: readonly OutgoingMessage[],
    bounds: PublishBounds,
    shape: JobShape,
  ): Promise<readonly PublishOutcome[]> => {
    const refusal = refusalOf(bounds);
    if (refusal !== undefined) return Promise.resolve(messages.map(() => rejected("broker", refusal)));
    return sender.send(messages.map(parcelOf), shape, bounds);
  };

  const refusalOf = ({ signal }: PublishBounds): MessagingError | undefined => {
    if (!connection.accepting()) return closedError("publish");
    if (signal?.aborted !== true) return undefined;
    return new MessagingError("TRANSPORT_DEADLINE", "The signal of this publish had fired before", {
      cause: signal.reason,
    });
  };

  const parcelOf = (message: OutgoingMessage): Parcel | PublishOutcome => {
    const { maxMessageBytes, attributePrefix, namePrefix } = options;
    if (message.sizeBytes > maxMessageBytes)
      return rejected("message", tooLargeError(message, maxMessageBytes));
    const exchange = names.exchange(message.channel);
    const key = routingKey(message.shard, message.type);
    const problem = problemOf(message, exchange, key, namePrefix);
    if (problem !== undefined) return rejected("message", problem);
    const { content, properties } = toNative(message, attributePrefix);
    // Without it the broker confirms what it throws away.
    properties.mandatory = options.unroutable === "reject" && message.unheard !== "fine";
    return { content, properties, exchange, routingKey: key };
  };

  return {
    publish: (batch, bounds) => submit(batch, bounds, "batch"),
    publishRun: (run, bounds) => submit(run, bounds, "run"),
  };
}

/** Short enough whatever its letters are, so that only long names are counted in bytes. */
const surelyShort = 63;

function problemOf(
  { channel }: OutgoingMessage,
  exchange: string,
  key: string,
  namePrefix: string,
): MessagingError | undefined {
  const short = exchange.length <= surelyShort && key.length <= surelyShort;
  const problems =
    short && channel !== "" && !exchange.startsWith("amq.")
      ? []
      : [
          ...problemsOfChannel(channel, namePrefix),
          ...(Buffer.byteLength(key) > 255
            ? ["type: must have at most 252 bytes: a routing key holds 255"]
            : []),
        ];
  if (problems.length === 0) return undefined;
  return new MessagingError("TRANSPORT_REJECTED", `The message cannot be addressed: ${problems.join("; ")}`, {
    retryable: false,
  });
}

export function tooLargeError({ sizeBytes }: OutgoingMessage, maxMessageBytes: number): MessagingError {
  return new MessagingError(
    "TRANSPORT_TOO_LARGE",
    `The message has ${sizeBytes} bytes, and maxMessageBytes is ${maxMessageBytes}. Send a reference to what is large`,
    { context: { sizeBytes, maxMessageBytes } },
  );
}
