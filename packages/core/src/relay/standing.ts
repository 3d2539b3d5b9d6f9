import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { ErrorCode, MessagingError } from "../errors.ts";
import { shortText } from "../short-text.ts";

/** What a relay is at: it leads, another one leads, it was paused, or it waits for somebody else to come back. */
export type RelayState =
  | "stopped"
  | "leading"
  | "standby"
  | "paused"
  | "waiting-for-broker"
  | "waiting-for-store";

/** What a relay knows of itself without asking anybody. */
export interface RelayHealth {
  /** What the relay of this process is at. */
  readonly state: RelayState;
  /**
   * Milliseconds since the last turn that went well, a standby's look at the lease included; undefined before the
   * first. A relay at work takes one at least every `maxPollMs` and a little.
   */
  readonly lastTurnAgeMs: number | undefined;
  /** Why it waits, while it does. */
  readonly errorCode: ErrorCode | undefined;
  /** The error's message, cut to 1,024 characters; undefined while it does not wait. */
  readonly lastError: string | undefined;
}

/** What a relay is doing, told once per change. */
export interface Standing {
  health(): RelayHealth;
  /** True while a hint that there is something to do can help: not while something else is waited for. */
  readonly wantsHints: boolean;
  become(state: Exclude<RelayState, `waiting-${string}`>): void;
  waitFor(what: "broker" | "store", error: MessagingError): void;
  /** A turn went well. */
  turned(): void;
}

export function createStanding(logger: Logger, clock: Clock): Standing {
  let state: RelayState = "stopped";
  let error: MessagingError | undefined;
  let turnedAtMs: number | undefined;
  const waits = () => state === "waiting-for-broker" || state === "waiting-for-store";
  return {
    health: () => ({
      state,
      lastTurnAgeMs: turnedAtMs === undefined ? undefined : clock.monotonicMs() - turnedAtMs,
      errorCode: error?.code,
      lastError: error && shortText(error.message),
    }),
    get wantsHints() {
      return state === "leading" || state === "stopped";
    },
    become: (next) => {
      if (waits() && next !== "stopped") logger.info("The relay goes on");
      state = next;
      error = undefined;
    },
    waitFor: (what, reason) => {
      const next = what === "broker" ? "waiting-for-broker" : "waiting-for-store";
      const whom = what === "broker" ? "broker" : "database";
      if (state !== next)
        logger.warn(`The relay waits for the ${whom}; nothing is lost or counted`, {
          code: reason.code,
          reason: reason.message,
        });
      state = next;
      error = reason;
    },
    turned: () => {
      turnedAtMs = clock.monotonicMs();
    },
  };
}
