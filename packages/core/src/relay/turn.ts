import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import type { ParkedEvent, ParkRequest, RelayLease, RelayStore } from "../contracts/relay-store.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { ResolvedRelayOptions } from "./options.ts";
import { orderKeyOf, type PageOutcome, type PagePublisher } from "./page.ts";

/*
 * One turn of the relay: parked events whose time has come, then a page of the outbox. A row leaves the outbox only
 * after the broker confirmed it, or in the transaction that parks it: whoever dies in between repeats, never loses.
 */

export interface TurnResult {
  /** Events that the broker confirmed in this turn. */
  readonly published: number;
  /** Events read, parked ones included; 0 when there was nothing to do. */
  readonly seen: number;
  /** The broker is at fault: wait before the next turn. Nothing was counted as an attempt. */
  readonly brokerDown: Error | undefined;
}

export interface TurnParts {
  readonly store: RelayStore;
  readonly pages: PagePublisher;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly options: ResolvedRelayOptions;
}

export interface Turns {
  /** One turn under this lease; another epoch than last time reads the held keys anew. */
  take(lease: RelayLease): Promise<TurnResult>;
}

export function createTurns(parts: TurnParts): Turns {
  const { store, pages, options } = parts;
  let epoch: number | undefined;
  let held = new Set<string>();

  const takeOver = async (lease: RelayLease): Promise<void> => {
    if (epoch === lease.epoch) return;
    held = new Set((await store.heldKeys(lease)).map(orderKeyOf));
    epoch = lease.epoch;
  };

  const turnOutbox = async (lease: RelayLease): Promise<TurnResult> => {
    const page = await store.read(lease, options.batchSize);
    if (page.length === 0) return nothing;
    const waits = (event: StoredEvent) => event.key !== undefined && held.has(orderKeyOf(event));
    const waiting = page.filter(waits);
    const free = page.filter((event) => !waits(event));
    const outcomes = await pages.publish(free);
    const confirmed = outcomes.filter((one) => one.status === "confirmed").map((one) => one.event);
    await store.confirm(lease, confirmed);
    const requests = [...parkRequests(parts, outcomes), ...waiting.map(heldRequest)];
    if (requests.length > 0) await park(parts, lease, requests, held);
    noteLag(parts, confirmed);
    return { published: confirmed.length, seen: page.length, brokerDown: brokerFault(outcomes) };
  };

  const turnParked = async (lease: RelayLease): Promise<TurnResult> => {
    const due = await store.due(lease, parts.clock.now(), options.batchSize);
    if (due.length === 0) return nothing;
    const outcomes = await pages.publish(due);
    let published = 0;
    for (const event of due) {
      const outcome = outcomes.find((one) => one.event === event);
      if (outcome !== undefined && (await settleDue(parts, lease, event, outcome))) published += 1;
    }
    held = new Set((await store.heldKeys(lease)).map(orderKeyOf));
    return { published, seen: due.length, brokerDown: brokerFault(outcomes) };
  };

  return {
    take: async (lease) => {
      await takeOver(lease);
      const parked = await turnParked(lease);
      if (parked.brokerDown !== undefined) return parked;
      const fresh = await turnOutbox(lease);
      return {
        published: parked.published + fresh.published,
        seen: parked.seen + fresh.seen,
        brokerDown: fresh.brokerDown,
      };
    },
  };
}

const nothing: TurnResult = { published: 0, seen: 0, brokerDown: undefined };

/** A refused event is parked for another attempt, and those behind it of the same key are held. */
function parkRequests(parts: TurnParts, outcomes: readonly PageOutcome[]): ParkRequest[] {
  const refusedKeys = new Set<string>();
  return outcomes.flatMap((outcome): ParkRequest[] => {
    const { event } = outcome;
    if (outcome.status === "refused") {
      if (event.key !== undefined) refusedKeys.add(orderKeyOf(event));
      const last = parts.options.retry.attempts <= 1 || !outcome.error.retryable;
      const status = last ? "dead" : "retry";
      const nextAttemptAtMs = last
        ? undefined
        : parts.clock.now() + parts.options.retry.delayMs(1, parts.random);
      return [{ event, status, attempts: 1, nextAttemptAtMs, error: outcome.error }];
    }
    const behind = outcome.status === "blocked" && refusedKeys.has(orderKeyOf(event));
    return behind ? [heldRequest(event)] : [];
  });
}

function heldRequest(event: StoredEvent): ParkRequest {
  return { event, status: "held", attempts: 0, nextAttemptAtMs: undefined, error: undefined };
}

async function park(
  parts: TurnParts,
  lease: RelayLease,
  requests: readonly ParkRequest[],
  held: Set<string>,
): Promise<void> {
  const { options, logger, telemetry } = parts;
  // A dead event of a key that may be skipped holds nobody: what waits behind it stays in the outbox for the next turn.
  const skips = (one: ParkRequest) =>
    one.status === "dead" && (one.event.key === undefined || options.onDead === "skip");
  const released = new Set(requests.filter(skips).map((one) => orderKeyOf(one.event)));
  const kept = requests.filter((one) => one.status !== "held" || !released.has(orderKeyOf(one.event)));
  await parts.store.park(lease, kept);
  for (const { event, status, error } of kept) {
    telemetry.instruments.parked(status, 1);
    if (event.key !== undefined && !released.has(orderKeyOf(event))) held.add(orderKeyOf(event));
    if (status === "held") continue;
    const said =
      status === "dead" ? "The relay gave an event up" : "The relay put an event aside for another attempt";
    logger[status === "dead" ? "error" : "warn"](said, {
      id: event.id,
      type: event.type,
      code: error?.code,
      reason: error?.message,
    });
  }
}

/** True when the event was published. */
async function settleDue(
  parts: TurnParts,
  lease: RelayLease,
  event: ParkedEvent,
  outcome: PageOutcome,
): Promise<boolean> {
  const { store, options, clock, random, logger } = parts;
  if (outcome.status === "confirmed") {
    await store.settleParked(lease, event, { kind: "published" });
    return true;
  }
  if (outcome.status !== "refused") return false; // blocked, or the broker's fault: due again as it stands
  const attempts = event.attempts + 1;
  const { error } = outcome;
  if (attempts < options.retry.attempts && error.retryable) {
    const nextAttemptAtMs = clock.now() + options.retry.delayMs(attempts, random);
    await store.settleParked(lease, event, { kind: "retry", attempts, nextAttemptAtMs, error });
    return false;
  }
  logger.error("The relay gave an event up", {
    id: event.id,
    type: event.type,
    attempts,
    code: error.code,
    reason: error.message,
  });
  parts.telemetry.instruments.parked("dead", 1);
  const then = event.key === undefined ? "skip" : options.onDead;
  await store.settleParked(lease, event, { kind: "dead", attempts, error, then });
  return false;
}

function brokerFault(outcomes: readonly PageOutcome[]): Error | undefined {
  return outcomes.find((one) => one.status === "broker-down")?.error;
}

function noteLag(parts: TurnParts, confirmed: readonly StoredEvent[]): void {
  const first = confirmed[0];
  if (first !== undefined)
    parts.telemetry.instruments.relayLag(Math.max(0, parts.clock.now() - first.storedAtMs));
}
