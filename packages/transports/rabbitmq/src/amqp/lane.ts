import { IllegalOperationError, type ConfirmChannel, type Message, type Options } from "amqplib";
import type { Entry } from "./job.ts";
import { createUnconfirmed } from "./unconfirmed.ts";

/** One channel that messages are sent over with confirmation, as long as the channel lives. */
export interface Lane {
  /** `closing`: the channel goes, and the entry was not written. Throws what the entry cannot be encoded for. */
  send(entry: Entry): "sent" | "closing";
  /** Whether one more may be on its way; `alone`: only when nothing else is. */
  hasRoom(alone: boolean): boolean;
}

/** Told what becomes of the messages of a lane. */
export interface LaneListener {
  confirmed(entry: Entry): void;
  refused(entry: Entry): void;
  /** There may be room again. */
  room(): void;
  /** The channel is gone, with these unconfirmed, in the order sent. No `failure`: not for anything sent over it. */
  lost(unsettled: readonly Entry[], failure: unknown): void;
}

/** A frozen server confirms nothing: so much may be on its way, whatever was given up meanwhile. */
const maxUnconfirmed = 8_192;
const maxUnconfirmedBytes = 16 * 1024 * 1024;

export function createLane(channel: ConfirmChannel, listener: LaneListener): Lane {
  const unconfirmed = createUnconfirmed();
  /** amqplib's buffer is full until 'drain', or the channel takes nothing more. */
  let full = false;
  let failure: unknown;

  const markReturned = ({ fields, properties }: Message): void => {
    const found = unconfirmed
      .open()
      .find(
        ({ parcel, returned }) =>
          returned === undefined &&
          parcel.properties.messageId === properties.messageId &&
          parcel.exchange === fields.exchange &&
          parcel.routingKey === fields.routingKey,
      );
    if (found !== undefined) found.returned = "NO_ROUTE";
  };

  channel.on("error", (error: Error) => (failure = error));
  channel.on("close", () => listener.lost(unconfirmed.open(), failure));
  channel.on("drain", () => {
    full = false;
    listener.room();
  });
  channel.on("return", markReturned);
  channel.on("ack", ({ deliveryTag, multiple }) => {
    for (const entry of unconfirmed.confirm(deliveryTag, multiple)) listener.confirmed(entry);
    listener.room();
  });
  channel.on("nack", ({ deliveryTag, multiple }) => {
    for (const entry of unconfirmed.confirm(deliveryTag, multiple)) listener.refused(entry);
    listener.room();
  });

  return {
    send: (entry) => {
      const { exchange, routingKey, content, properties } = entry.parcel;
      try {
        // Nothing is written when it throws: what cannot be encoded costs nobody else anything.
        full = !channel.publish(exchange, routingKey, content, properties as Options.Publish);
      } catch (error) {
        if (!(error instanceof IllegalOperationError)) throw error;
        // The channel is closing; it says so in a moment.
        full = true;
        return "closing";
      }
      unconfirmed.add(entry);
      entry.sent = true;
      return "sent";
    },
    hasRoom: (alone) => {
      const count = unconfirmed.count();
      if (full) return false;
      if (alone) return count === 0;
      return count < maxUnconfirmed && unconfirmed.bytes() < maxUnconfirmedBytes;
    },
  };
}
