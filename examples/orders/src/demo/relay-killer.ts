import { setTimeout as sleep } from "node:timers/promises";

/** Kills the process of the relays in the middle of the run, again and again. */
export interface RelayKiller {
  /** Kills so far. */
  kills(): number;
  /** Awaited before each order. At some of them the relays die; before the next kill they must have been at work. */
  beforeOrder(index: number): Promise<void>;
  /** Rejects when they could not be started again. */
  ended(): Promise<void>;
}

export interface KillerOptions {
  /** Resolves when another process is at work. */
  readonly killRelays: () => Promise<void>;
  /** Orders of the whole run. */
  readonly orders: number;
  /** Events that have arrived so far. */
  readonly published: () => number;
  readonly signal: AbortSignal;
}

const plannedKills = 4;
const pollMs = 5;

/**
 * Four kills, spread evenly over the orders. The orders go on being placed while the relays are dead: each kill meets
 * requests under way, and leaves rows behind that the next process has to find.
 */
export function createRelayKiller({ killRelays, orders, published, signal }: KillerOptions): RelayKiller {
  const every = Math.floor(orders / (plannedKills + 1));
  let kills = 0;
  let killing: Promise<void> = Promise.resolve();
  let failure: Error | undefined;

  /** The process before is up again, and something has got through it: a kill of an idle relay would show nothing. */
  const atWorkAgain = async (): Promise<void> => {
    await killing;
    const before = published();
    while (published() === before && failure === undefined && !signal.aborted) await sleep(pollMs);
  };

  return {
    kills: () => kills,
    beforeOrder: async (index) => {
      if (index === 0 || index % every !== 0 || index / every > plannedKills) return;
      if (kills > 0) await atWorkAgain();
      if (failure !== undefined || signal.aborted) return;
      kills += 1;
      killing = killRelays().catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
      });
    },
    ended: async () => {
      await killing;
      if (failure !== undefined) throw failure;
    },
  };
}
