/**
 * A message on the wire, as core hands it to a transport and gets it back. Core encodes and decodes (CloudEvents,
 * both content modes); a transport only puts these parts where its broker keeps them.
 */

/** The parts that a broker stores. */
export interface WireMessage {
  /**
   * CloudEvents attributes in their canonical string form, by their plain names. The transport adds the prefix and
   * the escaping of its binding. Empty in structured mode and for foreign messages.
   */
  readonly attributes: Readonly<Record<string, string>>;
  /** Headers of ours and of the user that are no CloudEvents attributes (`traceparent`, `postrider-*`), unprefixed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Media type of the body: `datacontenttype` in binary mode, `application/cloudevents+json…` in structured mode. */
  readonly contentType: string | undefined;
  /** The exact bytes; `undefined` means no data at all, which is not the same as zero bytes. */
  readonly body: Uint8Array | undefined;
}

/** A message on its way out. */
export interface OutgoingMessage extends WireMessage {
  /** Where it goes: topic, exchange, subject prefix or stream key. */
  readonly channel: string;
  /** CloudEvents `type`; filters inside the channel. */
  readonly type: string;
  /** Ordering key, if any. Messages of one key keep their order. */
  readonly key: string | undefined;
  /** `hash(key) % 16`, the same number in the outbox row; 0 to 15. A message without a key has the shard of its id. */
  readonly shard: number;
  /** `source#id`: the same for every copy of the same event. Brokers that dedupe get this. */
  readonly messageId: string;
  /** Bytes of attributes, headers and body together, as the windows count them. */
  readonly sizeBytes: number;
  /** `fine`: nobody may be there to take it, and it is confirmed all the same: an answer to somebody who has left. */
  readonly unheard?: "fine" | undefined;
}

/** A message that came in, before anything in it was checked. */
export interface IncomingMessage extends WireMessage {
  /** Where it was read. */
  readonly channel: string;
  /** The key as the broker kept it; `undefined` where it keeps none. */
  readonly key: string | undefined;
}
