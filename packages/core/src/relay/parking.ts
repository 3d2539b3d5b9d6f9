import type { Clock } from "../contracts/clock.ts";
import type { CodedError } from "../contracts/failure.ts";
import type { Logger } from "../contracts/logger.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import type {
  OnDead,
  ParkedEvent,
  ParkedResult,
  ParkRequest,
  RelayLease,
  RelayStore,
} from "../contracts/relay-store.ts";
import { toError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { ResolvedRelayOptions } from "./options.ts";
import { orderKeyOf, type PageOutcome } from "./page.ts";

/*
 * What becomes of events that the broker refuses, for what they are: put aside, tried again by the policy, given up.
 * What the broker does for its own reasons counts as nothing.
 */

export interface ParkingParts {
  readonly store: RelayStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly options: Pick<ResolvedRelayOptions, "retry" | "onDead">;
}

export interface Parking {
  /**
   * Moves what was refused out of the outbox, with those behind it of the same key, and those that `waiting` names.
   * Answers how many, and the keys that hold later events from now on.
   */
  park(
    lease: RelayLease,
    outcomes: readonly PageOutcome[],
    waiting: readonly StoredEvent[],
  ): Promise<{ readonly count: number; readonly keys: ReadonlySet<string> }>;
  /** Writes down what became of a parked event that was due. */
  settle(lease: RelayLease, event: ParkedEvent, outcome: PageOutcome | undefined): Promise<void>;
}

type Fate =
  | { readonly kind: "retry"; readonly nextAttemptAtMs: number }
  /** `onDead`: what later events of its key do. */
  | { readonly kind: "dead"; readonly onDead: OnDead };

export function createParking(parts: ParkingParts): Parking {
  const { store, options, clock } = parts;

  const fateOf = (event: StoredEvent, attempts: number, error: CodedError): Fate => {
    if (attempts < options.retry.attempts && error.retryable) {
      return { kind: "retry", nextAttemptAtMs: clock.now() + soundWaitMs(parts, attempts) };
    }
    return { kind: "dead", onDead: event.key === undefined ? "skip" : options.onDead };
  };

  const refusedOnes = (outcomes: readonly PageOutcome[]) =>
    outcomes.flatMap((one) =>
      one.status === "refused" ? [{ ...one, fate: fateOf(one.event, 1, one.error) }] : [],
    );

  return {
    park: async (lease, outcomes, waiting) => {
      const refused = refusedOnes(outcomes);
      const keys = new Set(refused.filter(holds).map(({ event }) => orderKeyOf(event)));
      const behind = outcomes.filter(
        ({ status, event }) => status === "blocked" && keys.has(orderKeyOf(event)),
      );
      const held = [...behind.map(({ event }) => event), ...waiting];
      const requests = [...refused.map(requestOf), ...held.map(heldRequest)];
      if (requests.length === 0) return { count: 0, keys };
      await store.park(lease, requests);
      if (held.length > 0) parts.telemetry.instruments.parked("held", held.length);
      for (const { event, error, fate } of refused) report(parts, event, 1, error, fate);
      return { count: requests.length, keys };
    },

    settle: async (lease, event, outcome) => {
      if (outcome?.status === "confirmed") await store.settleParked(lease, event, { kind: "published" });
      if (outcome?.status !== "refused") return; // blocked, or the broker's fault: due again as it stands
      const { error } = outcome;
      const attempts = event.attempts + 1;
      const fate = fateOf(event, attempts, error);
      await store.settleParked(lease, event, resultOf(fate, attempts, error));
      if (fate.kind === "dead") report(parts, event, attempts, error, fate);
    },
  };
}

/** No event waits longer, whatever a policy says: a day. */
const longestWaitMs = 86_400_000;

/** A policy written by hand may answer anything or throw, and a time that is no number never comes. */
function soundWaitMs({ options, random, logger }: ParkingParts, attempts: number): number {
  try {
    const waitMs = options.retry.delayMs(attempts, random);
    return waitMs > 0 ? Math.min(waitMs, longestWaitMs) : 0;
  } catch (thrown) {
    logger.error("The relay's retry policy threw; the event is tried again in a minute", {
      reason: toError(thrown).message,
    });
    return 60_000;
  }
}

interface Refused {
  readonly event: StoredEvent;
  readonly error: CodedError;
  readonly fate: Fate;
}

/** Later events of its key wait for it. */
function holds({ event, fate }: Refused): boolean {
  return event.key !== undefined && !passes(event, fate);
}

/** Given up at once, and its key goes on: what waits behind it stays in the outbox for the next turn. */
function passes({ key }: StoredEvent, fate: Fate): boolean {
  return key !== undefined && fate.kind === "dead" && fate.onDead === "skip";
}

function requestOf({ event, error, fate }: Refused): ParkRequest {
  const nextAttemptAtMs = fate.kind === "retry" ? fate.nextAttemptAtMs : undefined;
  const onDead = fate.kind === "dead" ? fate.onDead : undefined;
  return { event, status: fate.kind, attempts: 1, nextAttemptAtMs, error, onDead };
}

function resultOf(fate: Fate, attempts: number, error: CodedError): ParkedResult {
  return { ...fate, attempts, error };
}

function heldRequest(event: StoredEvent): ParkRequest {
  return { event, status: "held", attempts: 0, nextAttemptAtMs: undefined, error: undefined };
}

function report(
  { telemetry, logger }: ParkingParts,
  { id, type, channel }: StoredEvent,
  attempts: number,
  error: CodedError,
  fate: Fate,
): void {
  telemetry.instruments.parked(fate.kind, 1);
  const context = { id, type, channel, attempts, code: error.code, reason: error.message };
  if (fate.kind === "dead") logger.error("The relay gave an event up", context);
  else logger.warn("The relay put an event aside for another attempt", context);
}
