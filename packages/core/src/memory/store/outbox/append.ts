import type { Clock } from "../../../contracts/clock.ts";
import type { StoredEvent } from "../../../contracts/outbox.ts";
import type { SealedEvent } from "../../../contracts/sealed-event.ts";
import type { Transaction } from "../transaction.ts";
import { copyEvent } from "./copy-event.ts";

/**
 * Positions are drawn here and not at the commit, as a sequence in a database does it: so a transaction that commits
 * late brings rows in front of others that have been read.
 */
export function createAppend(
  clock: Clock,
): (transaction: Transaction, events: readonly SealedEvent[]) => void {
  let lastPosition = 0;
  return (transaction, events) => {
    const { events: staged } = transaction.frame();
    const storedAtMs = clock.now();
    for (const event of events) {
      lastPosition += 1;
      // Of one width, so that they compare as text.
      const position = String(lastPosition).padStart(16, "0");
      const stored: StoredEvent = { ...copyEvent(event), position, storedAtMs };
      staged.push(stored);
    }
  };
}
