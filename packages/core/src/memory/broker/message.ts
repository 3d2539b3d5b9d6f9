import type { WireMessage } from "../../contracts/wire.ts";

/** A message as a client sends it. */
export interface BrokerMessage extends WireMessage {
  readonly channel: string;
  readonly key: string | undefined;
  /** What subscriptions filter by. Undefined for a foreign message that names none: that reaches every subscription. */
  readonly type: string | undefined;
}

/** A message that the broker holds. Nobody outside the broker has a reference to its records and bytes. */
export interface StoredMessage extends BrokerMessage {
  /** Its place in the channel, from 1. */
  readonly offset: number;
  readonly storedAtMs: number;
}

/** Copies at the border: whoever changes the original, or what was handed out, changes nothing at the broker. */
export function copyMessage(message: BrokerMessage): BrokerMessage {
  return {
    channel: message.channel,
    key: message.key,
    type: message.type,
    attributes: { ...message.attributes },
    headers: { ...message.headers },
    contentType: message.contentType,
    // Not `slice`: that of a Buffer shares its memory.
    body: message.body === undefined ? undefined : new Uint8Array(message.body),
  };
}

/** Bytes of attributes, headers and body together, names included. */
export function bytesOf(message: WireMessage): number {
  return bytesOfRecord(message.attributes) + bytesOfRecord(message.headers) + (message.body?.byteLength ?? 0);
}

function bytesOfRecord(record: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(record))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}
