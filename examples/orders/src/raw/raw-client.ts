import type { Broker } from "../wiring/brokers.ts";

/** A client of the broker that knows nothing of this library: it reads messages, and sends some of them again. */
export interface RawClient {
  /** Second copies sent so far. */
  injected(): number;
  close(): Promise<void>;
}

export interface RawClientOptions {
  readonly channel: string;
  readonly type: string;
  /** Asked once for each message, not for the copies. `body` is the data of the event as it travels: JSON. */
  readonly sendAgain: (body: Uint8Array) => boolean;
}

/** Resolves when it reads: it sees every message that is published later. */
export type StartRawClient = (broker: Broker, options: RawClientOptions) => Promise<RawClient>;
