import type { Transport } from "@postrider/core";

/** A real broker that can be broken. One is made for each fault. */
export interface BrokerUnderFault {
  /** The one transport of the load. It reaches the broker by a way that the faults can cut. */
  readonly transport: Transport;
  readonly faults: Faults;
  /** Mends what is broken, and removes what was made. */
  remove(): Promise<void>;
}

/** What can be broken here. A broker leaves out what it does not know, and the cases that need it are not run. */
export interface Faults {
  /** How long a silent peer is waited for, in milliseconds. */
  readonly silenceLimitMs: number;
  /** Ends the server as a crash would. */
  readonly kill?: (() => Promise<void>) | undefined;
  readonly start?: (() => Promise<void>) | undefined;
  /** Stops the server where it stands; connections stay open. */
  readonly freeze?: (() => Promise<void>) | undefined;
  readonly thaw?: (() => Promise<void>) | undefined;
  /** The server closes the connections of the transport. */
  readonly closeConnections?: (() => Promise<void>) | undefined;
  /** Breaks the connections under both ends. */
  readonly cut?: (() => void) | undefined;
  /** What the server answers from now on is lost, on the connections that stand. */
  readonly loseReplies?: (() => void) | undefined;
  /** What the server answers waits until it is let go. */
  readonly holdReplies?: (() => void) | undefined;
  readonly releaseReplies?: (() => void) | undefined;
  /** The server is short of memory; resolves when it knows. */
  readonly raiseAlarm?: (() => Promise<void>) | undefined;
  readonly clearAlarm?: (() => Promise<void>) | undefined;
  /** Removes where the messages of a group without order are kept, with what is in it. */
  readonly deleteQueue?: ((group: string) => Promise<void>) | undefined;
  /** Removes what is published to. */
  readonly deleteChannel?: ((channel: string) => Promise<void>) | undefined;
}

export type FaultName = Exclude<keyof Faults, "silenceLimitMs">;
