import { isMessagingError, toMessagingError } from "../errors.ts";
import type { WakeTimer } from "../retry/wake-timer.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { Pace } from "./pace.ts";
import type { Standing } from "./standing.ts";
import type { TurnResult } from "./turn.ts";

/** The relay at work in the background. */
export interface Loop {
  /** Resolves after `end`, when the turn under way is over. Never rejects. */
  run(): Promise<void>;
  /** Nothing is begun any more, and what becomes of a turn under way is told to nobody. */
  end(): void;
  pause(): void;
  resume(): void;
}

export interface LoopParts {
  /** Undefined when another relay leads. */
  readonly turn: () => Promise<TurnResult | undefined>;
  readonly keeper: LeaseKeeper;
  readonly standing: Standing;
  readonly timer: WakeTimer;
  readonly pace: Pace;
  readonly leaseMs: number;
  readonly minPollMs: number;
}

/** No standby looks less often, so that a relay that died is missed for its lease and little more. */
const longestStandbyMs = 1_000;

export function createLoop(parts: LoopParts): Loop {
  const { turn, keeper, standing, timer, pace, leaseMs, minPollMs } = parts;
  let ending = false;
  let paused = false;
  const standbyMs = Math.min(leaseMs / 3, longestStandbyMs);

  /** One turn, and how long to wait before the next. */
  const step = async (): Promise<number> => {
    try {
      const result = await turn();
      if (ending) return 0;
      if (result === undefined) {
        standing.become("standby");
        standing.turned();
        return standbyMs;
      }
      if (result.brokerDown !== undefined) {
        standing.waitFor("broker", toMessagingError(result.brokerDown));
        return pace.failed();
      }
      standing.become("leading");
      standing.turned();
      // An event that is refused again and again is no work that makes room for more.
      if (result.published + result.parked > 0) return pace.worked();
      return Math.min(pace.idle(), Math.max(minPollMs, result.nextInMs ?? Infinity));
    } catch (error) {
      return ending ? 0 : failed(error);
    }
  };
  const failed = (error: unknown): number => {
    if (isMessagingError(error, "STORE_LEASE_LOST")) {
      keeper.lost();
      standing.become("standby");
      return standbyMs;
    }
    standing.waitFor("store", toMessagingError(error, "STORE_FAILED"));
    return pace.failed();
  };
  /** Keeps the lease, so that no standby goes on in its place. */
  const rest = async (): Promise<number> => {
    standing.become("paused");
    await keeper.hold().then(standing.turned, () => undefined);
    return leaseMs / 3;
  };

  return {
    run: async () => {
      while (!ending) await timer.wait(await (paused ? rest() : step()));
    },
    end: () => {
      ending = true;
      timer.wake();
    },
    pause: () => {
      paused = true;
      timer.wake();
    },
    resume: () => {
      paused = false;
      timer.wake();
    },
  };
}
