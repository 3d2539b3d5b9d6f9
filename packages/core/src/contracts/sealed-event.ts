/** The value of a CloudEvents extension attribute. Integers are 32 bit. */
export type ExtensionValue = string | number | boolean;

/**
 * A sealed event: every attribute decided, the data as exact bytes. It is what an outbox row holds and what is
 * encoded for a broker; nothing in it changes any more.
 */
export interface SealedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specversion: "1.0";
  /** RFC 3339. Always set on events of our own; one passed on from elsewhere may have none. */
  readonly time: string | undefined;
  readonly subject: string | undefined;
  readonly contentType: string | undefined;
  readonly dataschema: string | undefined;
  readonly channel: string;
  /** Ordering key; undefined for an event without one. */
  readonly key: string | undefined;
  /** 0 to 15, computed by the writer and fixed for life. */
  readonly shard: number;
  /** The data as it travels; undefined for an event without any. */
  readonly payload: Uint8Array | undefined;
  /** All other attributes (`correlationid`, `causationid`, extensions of the user) with their types. */
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
  /** W3C trace context of its creation. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** The tenant it belongs to, if any. */
  readonly tenant: string | undefined;
}
