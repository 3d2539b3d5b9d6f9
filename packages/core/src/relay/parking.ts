import type { Clock } from "../contracts/clock.ts";
import type { CodedError } from "../contracts/failure.ts";
import type { Logger } from "../contracts/logger.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import type {
  HeldKey,
  OnDead,
  ParkedEvent,
  ParkedSettlement,
  ParkRequest,
  RelayLease,
  RelayStore,
} from "../contracts/relay-store.ts";
import { toError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { ResolvedRelayOptions } from "./options.ts";
import { orderKeyOf } from "./order-key.ts";
import type { PageOutcome } from "./page.ts";
import { createStuck } from "./stuck.ts";
import { writeApart, type WrittenApart } from "./write-apart.ts";

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
   * Answers how many, and the keys that hold later events from now on. One that cannot be moved stays, in front of its
   * key, and keeps no other from being moved.
   */
  park(
    lease: RelayLease,
    outcomes: readonly PageOutcome[],
    waiting: readonly StoredEvent[],
  ): Promise<{ readonly count: number; readonly keys: ReadonlySet<string> }>;
  /** Writes down what became of parked events that were due. */
  settle(lease: RelayLease, due: readonly ParkedEvent[], outcomes: readonly PageOutcome[]): Promise<Settled>;
  /** The store could not write down what became of this event, or of one before it of its key, a short while ago. */
  isStuck(event: StoredEvent): boolean;
}

/** `published`: how many are gone. `nextInMs`: until the first of those refused is due again. */
export interface Settled {
  readonly published: number;
  readonly freed: readonly HeldKey[];
  readonly nextInMs: number | undefined;
}

type Fate =
  | { readonly kind: "retry"; readonly waitMs: number }
  /** `onDead`: what later events of its key do. */
  | { readonly kind: "dead"; readonly onDead: OnDead };

export function createParking(parts: ParkingParts): Parking {
  const { store, options } = parts;
  const stuck = createStuck(parts.clock);
  const complain = createComplaint(parts);

  const fateOf = (event: StoredEvent, attempts: number, error: CodedError): Fate => {
    if (attempts < options.retry.attempts && error.retryable) {
      return { kind: "retry", waitMs: soundWaitMs(parts, attempts) };
    }
    return { kind: "dead", onDead: event.key === undefined ? "skip" : options.onDead };
  };

  const refusedOnes = (outcomes: readonly PageOutcome[]) =>
    outcomes.flatMap((one) =>
      one.status === "refused" ? [{ ...one, fate: fateOf(one.event, 1, one.error) }] : [],
    );

  const leaveAlone = (what: string, { failures }: Written): void => {
    for (const { one } of failures) stuck.add(one.event);
    complain(what, failures);
  };

  /** Nothing for one that was blocked, or for the broker's fault: it is due as it stands. */
  const settlementOf = (
    event: ParkedEvent,
    outcome: PageOutcome | undefined,
  ): readonly ParkedSettlement[] => {
    if (outcome?.status === "confirmed") return [{ event, result: { kind: "published" } }];
    if (outcome?.status !== "refused") return [];
    const { error } = outcome;
    const attempts = event.attempts + 1;
    return [{ event, result: { ...fateOf(event, attempts, error), attempts, error } }];
  };

  return {
    park: async (lease, outcomes, waiting) => {
      const refused = refusedOnes(outcomes);
      const holding = new Set(refused.filter(holds).map(({ event }) => orderKeyOf(event)));
      const behind = outcomes.filter(
        ({ status, event }) => status === "blocked" && holding.has(orderKeyOf(event)),
      );
      const held = [...behind.map(({ event }) => event), ...waiting];
      const requests = [...refused.map(requestOf), ...held.map(heldRequest)];
      const done = await writeApart(requests, (some) => store.park(lease, some));
      leaveAlone("could not put an event aside", done);
      const moved = new Set(done.written.map(({ event }) => event.position));
      const heldNow = held.filter(({ position }) => moved.has(position)).length;
      if (heldNow > 0) parts.telemetry.instruments.parked("held", heldNow);
      const asideNow = refused.filter(({ event }) => moved.has(event.position));
      for (const { event, error, fate } of asideNow) report(parts, event, 1, error, fate);
      const keys = new Set(asideNow.filter(holds).map(({ event }) => orderKeyOf(event)));
      return { count: moved.size, keys };
    },

    settle: async (lease, due, outcomes) => {
      const byPosition = new Map(outcomes.map((outcome) => [outcome.event.position, outcome]));
      const settlements = due.flatMap((event) => settlementOf(event, byPosition.get(event.position)));
      const done = await writeApart(settlements, (some) => store.settleParked(lease, some));
      leaveAlone("could not write down what became of an event", done);
      for (const { event, result } of done.written)
        if (result.kind === "dead") report(parts, event, result.attempts, result.error, result);
      const waitsMs = done.written.flatMap(({ result }) =>
        result.kind === "retry" && result.waitMs > 0 ? [result.waitMs] : [],
      );
      return {
        published: done.written.filter(({ result }) => result.kind === "published").length,
        freed: done.answers.flat(),
        nextInMs: waitsMs.length === 0 ? undefined : Math.min(...waitsMs),
      };
    },

    isStuck: stuck.has,
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
  const waitMs = fate.kind === "retry" ? fate.waitMs : undefined;
  const onDead = fate.kind === "dead" ? fate.onDead : undefined;
  return { event, status: fate.kind, attempts: 1, waitMs, error, onDead };
}

function heldRequest(event: StoredEvent): ParkRequest {
  return { event, status: "held", attempts: 0, waitMs: undefined, error: undefined };
}

type Written = WrittenApart<{ readonly event: StoredEvent }, unknown>;

/** So often at most it is told: an event that cannot be written comes again and again. */
const complaintEveryMs = 60_000;

function createComplaint({ clock, logger }: ParkingParts) {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  return (what: string, failures: Written["failures"]): void => {
    const [first] = failures;
    if (first === undefined || clock.monotonicMs() < saidAtMs + complaintEveryMs) return;
    saidAtMs = clock.monotonicMs();
    const { id, type, channel } = first.one.event;
    logger.error(`The relay ${what}; others go on, it and what is behind it of its key does not`, {
      id,
      type,
      channel,
      events: failures.length,
      reason: toError(first.error).message,
    });
  };
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
