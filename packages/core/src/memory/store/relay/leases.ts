import type { Clock } from "../../../contracts/clock.ts";
import type { RelayLease } from "../../../contracts/relay-store.ts";
import { leaseLostError } from "../errors.ts";

/** Who may relay. Times are those of the store's clock. */
export interface Leases {
  acquire(relay: string, owner: string, leaseMs: number): RelayLease | undefined;
  renew(lease: RelayLease, leaseMs: number): boolean;
  release(lease: RelayLease): void;
  /** @throws MessagingError STORE_LEASE_LOST when another one has it, or nobody. */
  fence(lease: RelayLease): void;
  /** Of the first relay whose lease runs. */
  owner(): string | undefined;
  clear(): void;
}

interface Held {
  owner: string | undefined;
  epoch: number;
  untilMs: number;
}

export function createLeases(clock: Clock): Leases {
  const leases = new Map<string, Held>();
  const runs = (held: Held): boolean => held.owner !== undefined && held.untilMs > clock.monotonicMs();
  // One that has run out and that nobody took is still the owner's.
  const heldBy = ({ relay, owner, epoch }: RelayLease): Held | undefined => {
    const held = leases.get(relay);
    return held?.owner === owner && held.epoch === epoch ? held : undefined;
  };

  return {
    acquire: (relay, owner, leaseMs) => {
      const held = leases.get(relay);
      if (held !== undefined && runs(held) && held.owner !== owner) return undefined;
      const epoch = (held?.epoch ?? 0) + 1;
      leases.set(relay, { owner, epoch, untilMs: clock.monotonicMs() + leaseMs });
      return { relay, owner, epoch };
    },
    renew: (lease, leaseMs) => {
      const held = heldBy(lease);
      if (held === undefined) return false;
      held.untilMs = clock.monotonicMs() + leaseMs;
      return true;
    },
    release: (lease) => {
      const held = heldBy(lease);
      // The epoch stays, so that it goes on growing.
      if (held !== undefined) held.owner = undefined;
    },
    fence: (lease) => {
      if (heldBy(lease) === undefined) throw leaseLostError(lease.relay, lease.epoch);
    },
    owner: () => [...leases.values()].find(runs)?.owner,
    clear: () => leases.clear(),
  };
}
