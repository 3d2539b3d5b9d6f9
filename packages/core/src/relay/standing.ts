import type { Logger } from "../contracts/logger.ts";

export type RelayState =
  | "stopped"
  | "leading"
  | "standby"
  | "paused"
  | "waiting-for-broker"
  | "waiting-for-store";

/** What a relay is doing, told once per change. */
export interface Standing {
  readonly state: RelayState;
  readonly lastError: Error | undefined;
  /** True while a hint that there is something to do can help: not while something else is waited for. */
  readonly wantsHints: boolean;
  become(state: Exclude<RelayState, `waiting-${string}`>): void;
  waitFor(what: "broker" | "store", error: Error): void;
}

export function createStanding(logger: Logger): Standing {
  let state: RelayState = "stopped";
  let lastError: Error | undefined;
  const waits = () => state === "waiting-for-broker" || state === "waiting-for-store";
  return {
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    get wantsHints() {
      return state === "leading" || state === "stopped";
    },
    become: (next) => {
      if (waits() && next !== "stopped") logger.info("The relay goes on");
      state = next;
      lastError = undefined;
    },
    waitFor: (what, error) => {
      const next = what === "broker" ? "waiting-for-broker" : "waiting-for-store";
      const whom = what === "broker" ? "broker" : "database";
      if (state !== next)
        logger.warn(`The relay waits for the ${whom}; nothing is lost or counted`, { reason: error.message });
      state = next;
      lastError = error;
    },
  };
}
