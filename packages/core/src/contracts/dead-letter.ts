import type { IncomingMessage } from "./wire.ts";

/**
 * Why a message was put aside. `undecodable`: no CloudEvent in it. `invalid`: attributes or data break the contract.
 * `rejected`: the handler said so. `exhausted`: the retry policy ended. `unhandled-type`: nobody handles its type and
 * the consumer was told not to drop those.
 */
export type DeadLetterReason = "undecodable" | "invalid" | "rejected" | "exhausted" | "unhandled-type";

/** One error of a chain of causes, outermost first. Text is cut to a bound; the data of the event is never in it. */
export interface DeadLetterError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** The one record format of dead letters, on every broker and in every table: the original, untouched, and why. */
export interface DeadLetter {
  /** Why it is here. */
  readonly reason: DeadLetterReason;
  /** The consumer group that gave up. */
  readonly consumer: string;
  /** How often a handler tried it. */
  readonly attempts: number;
  /** The last failure and its causes, outermost first, each cut to what a header carries. */
  readonly errors: readonly DeadLetterError[];
  /** RFC 3339. */
  readonly firstFailedAt: string;
  /** RFC 3339. */
  readonly deadLetteredAt: string;
  /** Where the broker had it: channel, and partition, offset, entry id or the like. */
  readonly origin: Readonly<Record<string, string | number>>;
  /** Original bytes, attributes and headers. */
  readonly message: IncomingMessage;
}
