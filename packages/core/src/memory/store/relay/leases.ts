import type { Clock } from "../../../contracts/clock.ts";
import type { RelayLease } from "../../../contracts/relay-store.ts";
import { leaseLostError } from "../errors.ts";

/** Who may relay. Times are those of the store's clock. */
export interface Leases {
  acquire(owner: string, leaseMs: number): RelayLease | undefined;
  renew(lease: RelayLease, leaseMs: number): boolean;
  release(lease: RelayLease): void;
  /** @throws MessagingError STORE_LEASE_LOST when another one has it, or nobody. */
  fence(lease: RelayLease): void;
  /** Whose lease runs. */
  owner(): string | undefined;
  /** Nobody is to relay, whoever has the lease. */
  pause(): void;
  resume(): void;
  pausedAtMs(): number | undefined;
  clear(): void;
}

interface Held {
  readonly lease: RelayLease;
  untilMs: number;
}

export function createLeases(clock: Clock): Leases {
  let held: Held | undefined;
  // Of the last lease that was given. It stays when that one is released, so that it goes on growing.
  let epoch = 0;
  let pausedAtMs: number | undefined;
  const running = (): Held | undefined =>
    held !== undefined && held.untilMs > clock.monotonicMs() ? held : undefined;
  // One that has run out and that nobody took is still the owner's.
  const heldBy = (lease: RelayLease): Held | undefined =>
    held?.lease.owner === lease.owner && held.lease.epoch === lease.epoch ? held : undefined;

  return {
    acquire: (owner, leaseMs) => {
      const current = running();
      if (current !== undefined && current.lease.owner !== owner) return undefined;
      epoch += 1;
      const lease = { owner, epoch };
      held = { lease, untilMs: clock.monotonicMs() + leaseMs };
      return lease;
    },
    renew: (lease, leaseMs) => {
      const ours = heldBy(lease);
      if (ours === undefined) return false;
      ours.untilMs = clock.monotonicMs() + leaseMs;
      return true;
    },
    release: (lease) => {
      if (heldBy(lease) !== undefined) held = undefined;
    },
    fence: (lease) => {
      if (heldBy(lease) === undefined) throw leaseLostError(lease.epoch);
    },
    owner: () => running()?.lease.owner,
    pause: () => {
      pausedAtMs ??= clock.now();
    },
    resume: () => {
      pausedAtMs = undefined;
    },
    pausedAtMs: () => pausedAtMs,
    clear: () => {
      held = pausedAtMs = undefined;
      epoch = 0;
    },
  };
}
