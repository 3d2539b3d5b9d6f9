import {
  MessagingError,
  type OutgoingMessage,
  type PublishBounds,
  type PublishOutcome,
  type TransportPublisher,
} from "@postrider/core";
import type { Connection } from "./connection.ts";
import { closedError, rejected } from "./errors.ts";
import { toNative } from "./mapping.ts";
import type { ResolvedOptions } from "./options.ts";
import type { JobShape, Parcel } from "./streams/job.ts";
import { type Names, partitionOf, problemsOfChannel } from "./streams/names.ts";
import type { Sender } from "./streams/sender.ts";

/** A script takes some thousand values at once, names and values of an entry in turn. */
const maxFields = 2_000;

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
    const { maxMessageBytes, partitions } = options;
    const { channel, shard, sizeBytes } = message;
    if (sizeBytes > maxMessageBytes) return rejected("message", tooLargeError(message, maxMessageBytes));
    const { fields } = toNative(message);
    const problems = problemsOfMessage(channel, fields.length / 2);
    if (problems.length > 0) return rejected("message", unaddressableError(problems));
    return {
      fields,
      channel,
      stream: names.stream(channel, partitionOf(shard, partitions)),
      bytes: sizeBytes,
    };
  };

  return {
    publish: (batch, bounds) => submit(batch, bounds, "batch"),
    publishRun: (run, bounds) => submit(run, bounds, "run"),
  };
}

function problemsOfMessage(channel: string, fields: number): readonly string[] {
  const problems = problemsOfChannel(channel);
  if (fields <= maxFields) return problems;
  return [...problems, `headers: there are ${fields} attributes and headers, and ${maxFields} is the most`];
}

function unaddressableError(problems: readonly string[]): MessagingError {
  return new MessagingError("TRANSPORT_REJECTED", `The message cannot be stored: ${problems.join("; ")}`, {
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
