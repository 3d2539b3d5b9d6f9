import type { Capabilities, OutgoingMessage, Store, Transport } from "@postrider/core";

/**
 * How the transport suite reaches one broker. Everything optional widens what can be proved: a case without its hook
 * is listed as not applicable, with the reason, and never left out in silence.
 */
export interface TransportHarness<T extends Transport = Transport> {
  /** Names the suite in the runner's output. */
  readonly name: string;
  /** The static capabilities of the transport: they decide which cases there are. */
  readonly capabilities: Capabilities;
  /** What differs between brokers. Default: none of it. */
  readonly limits?: TransportLimits | undefined;
  /** A new transport that is not connected, always to the same broker. The suite connects and closes it. */
  readonly create: () => Promise<T>;
  /** A channel that no other case uses, ready to be published to. */
  readonly channel: () => string | Promise<string>;
  /** A group name that no other case uses. Default: a random one. */
  readonly group?: (() => string) | undefined;
  /** Run once before the first case. */
  readonly setup?: (() => Promise<void>) | undefined;
  /** Run once after the last case, also when cases failed. */
  readonly teardown?: (() => Promise<void>) | undefined;

  /** A transport to a second, separate broker in this process. */
  readonly createElsewhere?: (() => Promise<Transport>) | undefined;
  /** A transport to an address where nobody answers. */
  readonly createUnreachable?: (() => Promise<Transport>) | undefined;
  /** A transport with credentials that the broker refuses. */
  readonly createRefused?: (() => Promise<Transport>) | undefined;
  /** Breaks the connection of `transport`, which may connect again by itself. */
  cutConnection?(transport: T): Promise<void>;
  /** Ends `transport` as a dying process would: its socket is destroyed, nothing is given back. It is not used again. */
  crash?(transport: T): Promise<void>;
  /** Stops the broker; `startBroker` starts it again with what it had stored. */
  readonly stopBroker?: (() => Promise<void>) | undefined;
  /** Starts what `stopBroker` stopped; given together with it. */
  readonly startBroker?: (() => Promise<void>) | undefined;
  /** Publishes past the transport, with the broker's own client, as a foreign producer does. */
  readonly rawPublish?: ((message: RawMessage) => Promise<void>) | undefined;
  /** A channel that does not exist, and what publishing to it comes to under the options of `create`. */
  readonly undeclaredChannel?: UndeclaredChannel | undefined;
  /** A message that this broker refuses for its own sake, in place of one that is too large. */
  readonly refused?: ((channel: string) => OutgoingMessage) | undefined;
}

/** What differs between brokers without being a capability. */
export interface TransportLimits {
  /** Times all time limits: 3 for a broker that takes its time. Default 1. */
  readonly timeScale?: number | undefined;
  /** The largest message to prove, attributes, headers and body together. Default: the capability's. */
  readonly maxMessageBytes?: number | undefined;
  /** How far from `maxMessageBytes` on either side the broker's own framing may move the limit. Default 0. */
  readonly maxMessageSlackBytes?: number | undefined;
  /** `false` where the broker keeps no key. Default true. */
  readonly keepsKey?: boolean | undefined;
  /** The lease of a delivery under the options of `create`, for the case that holds one for longer. */
  readonly leaseMs?: number | undefined;
}

/** A message as a foreign producer sends it. Header keys may come twice. */
export interface RawMessage {
  readonly channel: string;
  readonly headers: readonly (readonly [name: string, value: string | Uint8Array])[];
  /** The bytes as they are. */
  readonly body: Uint8Array;
}

/** How a broker treats a channel that nobody declared. */
export interface UndeclaredChannel {
  /** A name that no channel has, a new one at each call. */
  readonly name: () => string;
  /** The code of the rejection, or `created` when the broker makes the channel. */
  readonly outcome: "created" | "TRANSPORT_CHANNEL_MISSING" | "TRANSPORT_UNROUTABLE";
}

/** How the outbox and inbox suites reach one kind of database. */
export interface StoreHarness<Tx, Database extends StoreDatabase<Tx> = StoreDatabase<Tx>> {
  /** Names the suite in the runner's output. */
  readonly name: string;
  /** `serial` where only one transaction can be open at a time: cases with two are then listed as not applicable. */
  readonly transactions: "concurrent" | "serial";
  /** What differs between databases. Default: none of it. */
  readonly limits?: StoreLimits | undefined;
  /** A new, empty database, schema or set of tables that no other case uses. */
  readonly create: () => Promise<Database>;
  /** Run once before the first case. */
  readonly setup?: (() => Promise<void>) | undefined;
  /** Run once after the last case, also when cases failed. */
  readonly teardown?: (() => Promise<void>) | undefined;

  /** Runs `work` inside a savepoint of `tx`; goes back to it and rejects when `work` rejects. */
  readonly savepoint?: ((tx: Tx, work: () => Promise<void>) => Promise<void>) | undefined;
  /** A handle of the database library that is certainly in no transaction. */
  readonly outsideTransaction?: ((database: Database) => Promise<Tx>) | undefined;
  /** Restarts the server, or opens the file again: what had committed must still be there. Its stores are closed. */
  readonly restart?: ((database: Database) => Promise<void>) | undefined;
}

/** What a store harness says of its database. */
export interface StoreLimits {
  /** Times all time limits. Default 1. */
  readonly timeScale?: number | undefined;
}

/** One empty database, and what a case needs to see in it. */
export interface StoreDatabase<Tx> {
  /** A further store on this database, as another process would open it. The suite closes it. */
  readonly open: () => Promise<Store<Tx>>;
  /** Writes a row of the application inside the transaction. */
  readonly writeEffect: (tx: Tx, key: string) => Promise<void>;
  /** The keys of all rows that committed, in any order. */
  readonly readEffects: () => Promise<readonly string[]>;
  /** Drops it. */
  readonly drop: () => Promise<void>;
}
