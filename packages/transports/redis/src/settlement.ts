import {
  type Delivery,
  type IncomingMessage,
  MessagingError,
  OptionsError,
  type OutgoingMessage,
  type Settlement,
} from "@postrider/core";
import { deliveryLostError, type LossReason } from "./errors.ts";
import { attemptOf, fromNative, isRedelivered, originOf } from "./mapping.ts";
import type { Fetched } from "./streams/fetched.ts";

/** What a delivery asks of the subscription that handed it over. */
export interface DeliveryHolder {
  /** Resolves when the server knows. */
  ack(fetched: Fetched): Promise<void>;
  /** It is settled, or was lost: there is room for another. */
  freed(delivery: HeldDelivery): void;
  /** Resolves when a copy for the next attempt stands in for it. */
  retry(fetched: Fetched, attempt: number, delayMs: number): Promise<void>;
  /** Resolves when the dead letter stands in for it. */
  deadLetter(fetched: Fetched, letter: OutgoingMessage): Promise<void>;
  /** Gives it back uncounted: as a copy for whoever comes first, or to its place among what was fetched. */
  release(fetched: Fetched, attempt: number): Promise<void>;
}

/** A delivery, and what its subscription sees of it. */
export interface HeldDelivery extends Delivery {
  readonly fetched: Fetched;
  /** It is no longer ours. */
  lose(reason: LossReason): void;
}

/** One message that was handed over. */
export function createDelivery(fetched: Fetched, holder: DeliveryHolder): HeldDelivery {
  return new RedisDelivery(fetched, holder);
}

const taken: Promise<void> = Promise.resolve();

/** A class, since one is made for every message: its signal and its message are made when somebody looks. */
class RedisDelivery implements HeldDelivery {
  readonly fetched: Fetched;
  readonly #holder: DeliveryHolder;
  #message: IncomingMessage | undefined;
  #abort: AbortController | undefined;
  #lost: LossReason | undefined;
  #settled: { readonly kind: Settlement["kind"]; readonly taken: Promise<void> } | undefined;

  constructor(fetched: Fetched, holder: DeliveryHolder) {
    this.fetched = fetched;
    this.#holder = holder;
  }

  get message(): IncomingMessage {
    return (this.#message ??= fromNative(this.fetched.entry, this.fetched.queue.channel));
  }

  get attempt(): number {
    return attemptOf(this.fetched.entry);
  }

  get redelivered(): boolean {
    return isRedelivered(this.fetched.entry);
  }

  get origin(): Readonly<Record<string, string | number>> {
    return originOf(this.fetched.entry, this.fetched.stream);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(deliveryLostError(this.#lost));
    }
    return this.#abort.signal;
  }

  lose(reason: LossReason): void {
    if (this.#settled?.kind === "ack" || this.#lost !== undefined) return;
    this.#lost = reason;
    this.#abort?.abort(deliveryLostError(reason));
    this.#holder.freed(this);
  }

  settle(settlement: Settlement): Promise<void> {
    const before = this.#settled;
    if (before !== undefined) {
      return before.kind === settlement.kind
        ? before.taken
        : Promise.reject(alreadySettled(before.kind, settlement.kind));
    }
    if (this.#lost !== undefined || !this.fetched.tenure.live()) return taken;
    if (settlement.kind === "ack") {
      const told = this.#holder.ack(this.fetched);
      this.#settled = { kind: "ack", taken: told };
      this.#holder.freed(this);
      return told;
    }
    const problems = problemsOf(settlement);
    if (problems.length > 0) return Promise.reject(new OptionsError("Settlement 'retry'", problems));
    const done = this.#carryOut(settlement);
    this.#settled = { kind: settlement.kind, taken: done };
    return done;
  }

  /** The server writes the copy or the letter and acknowledges the original in one step. */
  async #carryOut(settlement: Exclude<Settlement, { kind: "ack" }>): Promise<void> {
    try {
      if (settlement.kind === "retry")
        await this.#holder.retry(this.fetched, settlement.attempt + 1, settlement.delayMs);
      else if (settlement.kind === "dead-letter")
        await this.#holder.deadLetter(this.fetched, settlement.letter);
      else await this.#holder.release(this.fetched, this.attempt);
    } catch (error) {
      // Nothing happened to the original: it can be settled in another way.
      this.#settled = undefined;
      throw error;
    }
    if (this.#lost === undefined) this.#holder.freed(this);
  }
}

function problemsOf(settlement: Settlement): readonly string[] {
  if (settlement.kind !== "retry") return [];
  const { delayMs, attempt } = settlement;
  return [
    ...(isCount(delayMs) ? [] : [`delayMs: must be a number from 0, is ${delayMs}`]),
    ...(isCount(attempt) ? [] : [`attempt: must be a number from 0, is ${attempt}`]),
  ];
}

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function alreadySettled(before: Settlement["kind"], now: Settlement["kind"]): MessagingError {
  return new MessagingError(
    "USAGE_ALREADY_SETTLED",
    `This delivery was settled with '${before}' before, and cannot be settled with '${now}'`,
  );
}
