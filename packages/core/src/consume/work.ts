import type { Delivery } from "../contracts/subscription.ts";
import type { Message } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import type { Decoded } from "../envelope/decode.ts";
import type { Route } from "./definition.ts";

/** One delivery on its way through this consumer: decoded once, its handler known. */
export interface Work {
  readonly delivery: Delivery;
  readonly route: Exclude<Route, { mode: "ignore" }>;
  /** The older type this message came with, when it is lifted. */
  readonly liftedFrom: string | undefined;
  readonly facts: WorkFacts;
  /** What the first attempt uses; later ones decode the bytes again. */
  decoded: Decoded | undefined;
  /** Attempts before this process and in it: the number of the attempt that is made next. */
  attempt: number;
  /** RFC 3339; as far as this process knows. */
  firstFailedAt: string | undefined;
}

/** What is known of the message without its data. */
export interface WorkFacts {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | undefined;
  readonly key: string | undefined;
  /** `source#id`. */
  readonly messageId: string;
  readonly correlationId: string | undefined;
  readonly tenant: string | undefined;
  /** Of a command or query that somebody waits for: where the answer goes. */
  readonly asker: string | undefined;
}

/** A message ready for a handler, made anew for each attempt: a failed handler may have changed the last one. */
export interface Prepared {
  readonly kind: "prepared";
  readonly work: Work;
  readonly message: Message;
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
}

/** How a work ended. `returned`: it is the broker's again, unsettled, and comes again. */
export type End = "settled" | "returned";

/** `again`: it is to be tried again here, at once. */
export type Fate = End | "again";

/**
 * What keeps its order together: the key inside its channel, where the consumer asked for order. Undefined for a
 * message that waits for nobody.
 */
export function laneOf(ordering: "none" | "key", { facts, delivery }: Work): string | undefined {
  if (ordering === "none" || facts.key === undefined) return undefined;
  return JSON.stringify([delivery.message.channel, facts.key]);
}

/** What one attempt came to, for one message. */
export type AttemptOutcome =
  | { readonly kind: "handled" }
  | { readonly kind: "duplicate" }
  /** The data breaks the contract: no attempt can help. */
  | { readonly kind: "invalid"; readonly error: Error }
  /** `rolledBack`: with everything else of its batch; not when it was taken out alone. */
  | {
      readonly kind: "failed";
      readonly error: Error;
      readonly prepared: Prepared | undefined;
      readonly rolledBack: boolean;
    }
  /** Nobody's fault: the database is gone. Not counted. */
  | { readonly kind: "outage"; readonly error: Error }
  /** Given up from outside: shutdown, or the delivery is no longer ours. Not counted. */
  | { readonly kind: "abandoned"; readonly error: Error };
