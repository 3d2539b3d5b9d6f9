import type { IncomingMessage, OutgoingMessage } from "../../contracts/wire.ts";
import { copyMessage, type BrokerMessage, type StoredMessage } from "../broker/message.ts";

/** A copy for the broker: later changes of the original do not reach it. */
export function toBroker(message: OutgoingMessage): BrokerMessage {
  return copyMessage(message);
}

/** A copy for one delivery: what a handler changes in it is restored on the next one. */
export function fromBroker(message: StoredMessage): IncomingMessage {
  const { channel, key, attributes, headers, contentType, body } = copyMessage(message);
  return { channel, key, attributes, headers, contentType, body };
}

export function originOf(message: StoredMessage): Readonly<Record<string, string | number>> {
  return { channel: message.channel, offset: message.offset };
}
