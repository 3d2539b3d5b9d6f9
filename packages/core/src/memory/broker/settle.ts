import type { Settlement } from "../../contracts/subscription.ts";
import { refuseOversize } from "./channels.ts";
import type { Groups } from "./groups.ts";
import type { Lease } from "./member.ts";
import type { BrokerMessage } from "./message.ts";
import type { ResolvedBrokerOptions } from "./options.ts";
import { BrokerRefusal } from "./refusal.ts";

/** A settlement as it travels: the letter has been copied. */
export type BrokerSettlement =
  | Exclude<Settlement, { readonly kind: "dead-letter" }>
  | { readonly kind: "dead-letter"; readonly letter: BrokerMessage };

/**
 * Does what the holder of a lease decided. A lease that is lost is not an error: the message is elsewhere by now.
 * @throws BrokerRefusal `message-too-large`, `dead-letters-full`; the lease goes on then.
 */
export function settle(
  groups: Groups,
  options: ResolvedBrokerOptions,
  lease: Lease,
  settlement: BrokerSettlement,
): void {
  if (!lease.live) return;
  switch (settlement.kind) {
    case "ack":
      return lease.outlet.ack(lease);
    case "release":
      return lease.outlet.giveBack(lease);
    case "retry":
      // The consumer may have made attempts that the broker did not see; none is taken back.
      return lease.outlet.retry(
        lease,
        Math.max(settlement.attempt, lease.entry.attempt) + 1,
        settlement.delayMs,
      );
    case "dead-letter":
      // The letter first: what is between these two lines is in both places, never in none.
      putAside(groups, options, lease.outlet.group, settlement.letter);
      return lease.outlet.ack(lease);
  }
}

function putAside(groups: Groups, options: ResolvedBrokerOptions, name: string, letter: BrokerMessage): void {
  refuseOversize(letter, options.maxMessageBytes);
  const group = groups.shared(name);
  if (group.deadLetters.queue.size >= options.maxQueuedMessages) {
    throw new BrokerRefusal(
      "dead-letters-full",
      `The group '${name}' has ${group.deadLetters.queue.size} dead letters, and takes no more: replay or discard some`,
    );
  }
  group.deadLetters.add(group.storeLetter(letter, options.clock.now()));
}
