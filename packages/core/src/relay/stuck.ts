import type { Clock } from "../contracts/clock.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import { orderKeyOf } from "./order-key.ts";

/**
 * Events of which the store cannot write down what became of them: left alone for a while, with what is behind them of
 * their key, so that they are not sent again in every turn.
 */
export interface Stuck {
  add(event: StoredEvent): void;
  has(event: StoredEvent): boolean;
}

const restMs = 30_000;
/** Forgotten beyond this, oldest first: those are tried again sooner. */
const mostRemembered = 10_000;

export function createStuck(clock: Clock): Stuck {
  const untilMs = new Map<string, number>();
  const nameOf = (event: StoredEvent): string =>
    event.key === undefined ? event.position : orderKeyOf(event);
  return {
    add: (event) => {
      untilMs.delete(nameOf(event));
      untilMs.set(nameOf(event), clock.monotonicMs() + restMs);
      const [oldest] = untilMs.keys();
      if (untilMs.size > mostRemembered && oldest !== undefined) untilMs.delete(oldest);
    },
    has: (event) => {
      if (untilMs.size === 0) return false;
      const endMs = untilMs.get(nameOf(event));
      if (endMs === undefined) return false;
      if (clock.monotonicMs() < endMs) return true;
      untilMs.delete(nameOf(event));
      return false;
    },
  };
}
