import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { InboxStore } from "../contracts/inbox.ts";
import type { OutboxStore } from "../contracts/outbox.ts";
import type { OutboxStatus, RelayStore } from "../contracts/relay-store.ts";
import type { Transport } from "../contracts/transport.ts";
import { MessagingError } from "../errors.ts";
import { createWindow, type Window } from "../publish/window.ts";
import { createWakeTimer } from "../retry/wake-timer.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createLeaseKeeper, type LeaseKeeper } from "./lease-keeper.ts";
import { createLoop } from "./loop.ts";
import type { ResolvedRelayOptions } from "./options.ts";
import { createPace } from "./pace.ts";
import { createPagePublisher } from "./page.ts";
import { createBounds } from "./page-bounds.ts";
import { createParking } from "./parking.ts";
import { createPruning } from "./pruning.ts";
import { createSender } from "./sender.ts";
import { createStanding, type RelayHealth } from "./standing.ts";
import { atMost, lastWordsMs, stopDrainMs, type RelayStopOptions } from "./stop.ts";
import { createTurns, type TurnParts, type TurnResult } from "./turn.ts";
import { createUnderway, type Underway } from "./underway.ts";

/*
 * From the outbox to the broker. Before: rows that committed with the changes they tell of. After: messages that the
 * broker confirmed, and rows deleted. One leader per outbox; standbys wait for its lease.
 */

/** What a relay is doing, and what waits in its outbox. */
export interface RelayStatus extends OutboxStatus, RelayHealth {}

/** Publishes what an outbox holds. Several relays of one outbox may run anywhere; one of them leads. */
export interface Relay {
  /** Begins to work in the background; a second call does nothing. */
  start(): void;
  /**
   * Reads nothing more, waits up to `drainMs` for the page that is on its way to the broker, and gives the lease back.
   * Ends a second after `drainMs` at the latest, whatever hangs: what was not confirmed stays a row, and leaves again
   * under the same id. Safe to call twice, and before `start`; the first call decides.
   *
   * @throws OptionsError (CONFIG_INVALID) for a `drainMs` that is no number from 0.
   */
  stop(options?: RelayStopOptions): Promise<void>;
  /** Keeps the lease and publishes nothing. */
  pause(): void;
  /** Publishes again, at once. Does nothing to a relay that is not paused. */
  resume(): void;
  /**
   * Publishes until the outbox is empty, and tells how many events the broker confirmed: for tests, scripts and
   * serverless runs. Answers with what it did when another relay leads or the broker is down. Gives the lease back.
   *
   * @throws MessagingError STORE_UNAVAILABLE when the database cannot be reached.
   */
  drainOnce(): Promise<number>;
  /** What this process knows of the relay: no query, never throws. */
  health(): RelayHealth;
  /** The same, with what waits in the outbox: one query. */
  status(): Promise<RelayStatus>;
}

/** What of a store a relay works with: whatever its transactions are. */
export interface RelaySource {
  /** Its lease, its rows and its parked rows. */
  readonly relay: RelayStore;
  /** Tells of new rows. */
  readonly outbox: Pick<OutboxStore<unknown>, "onSignal">;
  /** Its leader takes old marks out. */
  readonly inbox: Pick<InboxStore<unknown>, "prune">;
}

export interface RelayParts {
  readonly store: RelaySource;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly options: ResolvedRelayOptions;
  readonly random: () => number;
}

export function createRelayLoop(parts: RelayParts): Relay {
  const { store, transport, clock, options } = parts;
  const keeper = createLeaseKeeper(store.relay, options.leaseMs, clock);
  let stopping: Promise<void> | undefined;
  const window = createWindow(
    { maxMessages: options.batchSize, maxBytes: options.maxBytesInFlight, whenFull: "wait" },
    clock,
  );
  const underway = createUnderway();
  const turns = createTurns(turnParts(parts, window, keeper, underway));
  const standing = createStanding(parts.logger, clock);
  const timer = createWakeTimer(clock);
  const pruning = createPruning({
    ...parts,
    inbox: store.inbox,
    archive: store.relay,
    retentionMs: options.inboxRetentionMs,
  });
  const turn = async (): Promise<TurnResult | undefined> => {
    const lease = await keeper.hold();
    if (lease === undefined) return undefined;
    return keeper.during(async () => {
      const result = await turns.take(lease);
      if (stopping === undefined) await pruning.look();
      return result;
    });
  };
  const pace = createPace(options.minPollMs, options.maxPollMs, parts.random);
  const loop = createLoop({ turn, keeper, standing, timer, pace, ...options });
  const listen = () => [
    store.outbox.onSignal(() => standing.wantsHints && timer.wake()),
    transport.onState((now) => now === "ready" && timer.wake()),
  ];

  let running: Promise<void> | undefined;
  let unlisten: readonly (() => void)[] = [];
  let draining: Promise<number> | undefined;
  const drainAlone = async (): Promise<number> => {
    try {
      return await drain(turn, () => stopping !== undefined);
    } finally {
      draining = undefined;
      // Nobody renews it from here on, and the next one to drain may be another process.
      if (running === undefined) await keeper.release();
    }
  };
  const end = async (drainMs: number): Promise<void> => {
    loop.end();
    keeper.end();
    for (const stopListening of unlisten) stopListening();
    await atMost(clock, drainMs, underway.over());
    window.close();
    // A read that hangs in the database is left to itself: nothing of what it may bring is sent.
    await atMost(clock, lastWordsMs, Promise.allSettled([keeper.release(), running, draining]));
    standing.become("stopped");
  };
  return {
    start: () => {
      if (stopping !== undefined)
        throw new MessagingError("USAGE_CLOSED", "This relay was stopped. Make a new one.");
      if (running !== undefined) return;
      unlisten = listen();
      // Two turns at once would publish the same rows side by side.
      running = Promise.resolve(draining).then(loop.run, loop.run);
    },
    stop: async (stopOptions) => {
      const drainMs = stopDrainMs(stopOptions);
      stopping ??= end(drainMs);
      await stopping;
    },
    pause: loop.pause,
    resume: loop.resume,
    drainOnce: async () => {
      if (running !== undefined || stopping !== undefined) throw notForDraining();
      draining ??= drainAlone();
      return draining;
    },
    health: standing.health,
    status: async () => ({ ...(await store.relay.status()), ...standing.health() }),
  };
}

function turnParts(parts: RelayParts, window: Window, keeper: LeaseKeeper, underway: Underway): TurnParts {
  const { transport, telemetry, clock, options } = parts;
  const store = parts.store.relay;
  const sender = createSender({
    target: transport.publisher,
    window,
    telemetry,
    clock,
    deadlineMs: options.publishDeadlineMs,
    maxBytes: options.maxBytesInFlight,
  });
  return {
    store,
    pages: createPagePublisher(sender, options.contentMode),
    parking: createParking({ ...parts, store }),
    bounds: createBounds({ maxRows: options.batchSize, maxBytes: options.pageMaxBytes }),
    now: () => clock.now(),
    demandLease: keeper.demand,
    underway,
    noteLag: telemetry.instruments.relayLag,
  };
}

/** Goes on as long as rows leave the outbox, for the broker or for the parked ones. */
async function drain(turn: () => Promise<TurnResult | undefined>, isOver: () => boolean): Promise<number> {
  let published = 0;
  for (;;) {
    const result = await turn().catch((error: unknown) => {
      if (isOver()) return undefined;
      throw error;
    });
    if (result === undefined) return published;
    published += result.published;
    if (isOver() || result.brokerDown !== undefined || result.published + result.parked === 0)
      return published;
  }
}

function notForDraining(): MessagingError {
  return new MessagingError(
    "USAGE_CLOSED",
    "drainOnce is for a relay that was neither started nor stopped: this one works by itself or has ended.",
  );
}
