import type { TransportSubscription } from "../../contracts/subscription.ts";

/** Why the intake is off. */
export type OffReason = "person" | "outage";

/**
 * `paused` by a person or an error policy, until somebody resumes it; `waiting-for-store` while the database is gone;
 * `starting` and `closing` around its life.
 */
export type ConsumerState = "starting" | "running" | "paused" | "waiting-for-store" | "closing";

/** The intake is on while nobody has a reason for it to be off. Works before the subscription is there, too. */
export interface IntakeSwitch {
  connect(subscription: TransportSubscription): void;
  off(reason: OffReason): void;
  on(reason: OffReason): void;
  /** Nothing turns it on any more. */
  close(): void;
  state(): ConsumerState;
}

export function createIntakeSwitch(): IntakeSwitch {
  const reasons = new Set<OffReason>();
  let subscription: TransportSubscription | undefined;
  let closed = false;
  return {
    connect: (to) => {
      subscription = to;
      if (reasons.size > 0) to.pause();
    },
    off: (reason) => {
      if (closed) return;
      reasons.add(reason);
      subscription?.pause();
    },
    on: (reason) => {
      if (closed || !reasons.delete(reason) || reasons.size > 0) return;
      subscription?.resume();
    },
    close: () => {
      closed = true;
    },
    state: () => {
      if (closed) return "closing";
      if (reasons.has("outage")) return "waiting-for-store";
      return reasons.has("person") ? "paused" : "running";
    },
  };
}
