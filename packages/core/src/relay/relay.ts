import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { OutboxStore } from "../contracts/outbox.ts";
import type { OutboxStatus, RelayStore } from "../contracts/relay-store.ts";
import type { Transport } from "../contracts/transport.ts";
import { isMessagingError, MessagingError, toError } from "../errors.ts";
import { createWindow } from "../publish/window.ts";
import { createWakeTimer } from "../retry/wake-timer.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createLeaseKeeper } from "./lease-keeper.ts";
import type { ResolvedRelayOptions } from "./options.ts";
import { createPace, type Pace } from "./pace.ts";
import { createPagePublisher } from "./page.ts";
import { createTurns, type TurnResult } from "./turn.ts";

/*
 * From the outbox to the broker. Before: rows that committed with the changes they tell of. After: messages that the
 * broker confirmed, and rows deleted. One leader per outbox; standbys wait for its lease.
 */

/** What a relay is doing. */
export interface RelayStatus extends OutboxStatus {
  readonly state: "stopped" | "leading" | "standby" | "paused" | "waiting-for-broker" | "waiting-for-store";
  readonly lastError: string | undefined;
}

/** Publishes what an outbox holds. Several relays of one name may run anywhere; one of them leads. */
export interface Relay {
  /** Begins to work in the background; a second call does nothing. */
  start(): void;
  /** Ends after the page under way, gives the lease back. Safe to call twice, and before `start`. */
  stop(): Promise<void>;
  /** Keeps the lease and publishes nothing. */
  pause(): void;
  resume(): void;
  /**
   * Publishes until the outbox is empty, and tells how many events the broker confirmed: for tests, scripts and
   * serverless runs. Answers with what it did when another relay leads or the broker is down.
   *
   * @throws MessagingError STORE_UNAVAILABLE when the database cannot be reached.
   */
  drainOnce(): Promise<number>;
  status(): Promise<RelayStatus>;
}

/** The half of a store that a relay works with: whatever its transactions are. */
export interface RelaySource {
  readonly relay: RelayStore;
  readonly outbox: Pick<OutboxStore<unknown>, "onSignal">;
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
  const { store, transport, clock, logger, options, random } = parts;
  const keeper = createLeaseKeeper(store.relay, options.name, options.leaseMs, clock);
  const window = createWindow(
    { maxMessages: options.batchSize * 2, maxBytes: options.maxBytesInFlight, whenFull: "wait" },
    clock,
  );
  const pages = createPagePublisher(transport.publisher, window, parts.telemetry, {
    contentMode: options.contentMode,
    deadlineMs: options.publishDeadlineMs,
  });
  const turns = createTurns({ ...parts, store: store.relay, pages });
  const timer = createWakeTimer(clock);
  let state: RelayStatus["state"] = "stopped";
  let lastError: Error | undefined;
  let running: Promise<void> | undefined;
  let stopping = false;
  let paused = false;
  let draining: Promise<number> | undefined;

  const turn = async (): Promise<TurnResult | undefined> => {
    const lease = await keeper.hold();
    if (lease === undefined) return undefined;
    return keeper.during(() => turns.take(lease));
  };
  const fail = (next: RelayStatus["state"], error: Error, said: string) => {
    if (state !== next) logger.warn(said, { reason: error.message });
    state = next;
    lastError = error;
  };
  const recover = (next: RelayStatus["state"]) => {
    if (state === "waiting-for-broker" || state === "waiting-for-store") logger.info("The relay goes on");
    state = next;
    lastError = undefined;
  };

  const loop = async (): Promise<void> => {
    const pace = createPace(options.minPollMs, options.maxPollMs, random);
    while (!stopping) {
      if (paused) {
        state = "paused";
        await keeper.hold().catch(() => undefined);
        await timer.wait(options.leaseMs / 3);
        continue;
      }
      await timer.wait(await step(pace));
    }
  };

  /** One turn, and how long to wait before the next. */
  const step = async (pace: Pace): Promise<number> => {
    try {
      const result = await turn();
      if (result === undefined) {
        recover("standby");
        return Math.min(options.leaseMs / 3, 1_000);
      }
      if (result.brokerDown !== undefined) {
        fail(
          "waiting-for-broker",
          result.brokerDown,
          "The relay waits for the broker; nothing is lost or counted",
        );
        return pace.failed();
      }
      recover("leading");
      return result.seen > 0 ? pace.worked() : pace.idle();
    } catch (error) {
      if (isMessagingError(error, "STORE_LEASE_LOST")) {
        recover("standby");
        return pace.idle();
      }
      fail(
        "waiting-for-store",
        toError(error),
        "The relay waits for the database; nothing is lost or counted",
      );
      return pace.failed();
    }
  };

  const drain = async (): Promise<number> => {
    let published = 0;
    for (;;) {
      const result = await turn();
      published += result?.published ?? 0;
      if (result === undefined || result.seen === 0 || result.brokerDown !== undefined) return published;
      if (result.published === 0) return published;
    }
  };

  const unlisten: (() => void)[] = [];
  return {
    start: () => {
      if (running !== undefined) return;
      if (stopping) throw new MessagingError("USAGE_CLOSED", "This relay was stopped. Make a new one.");
      unlisten.push(store.outbox.onSignal(() => timer.wake()));
      unlisten.push(transport.onState((now) => now === "ready" && timer.wake()));
      running = loop();
    },
    stop: async () => {
      stopping = true;
      for (const end of unlisten.splice(0)) end();
      timer.wake();
      await running;
      await draining?.catch(() => undefined);
      window.close();
      await keeper.release();
      state = "stopped";
    },
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      timer.wake();
    },
    drainOnce: async () => {
      if (running !== undefined || stopping) {
        throw new MessagingError(
          "USAGE_CLOSED",
          "drainOnce is for a relay that was neither started nor stopped: this one works by itself or has ended.",
        );
      }
      draining ??= drain().finally(() => {
        draining = undefined;
      });
      return draining;
    },
    status: async () => ({ ...(await store.relay.status()), state, lastError: lastError?.message }),
  };
}
