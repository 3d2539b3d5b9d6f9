import { randomUUID } from "node:crypto";
import type { Clock } from "../contracts/clock.ts";
import type { RelayLease, RelayStore } from "../contracts/relay-store.ts";

/**
 * Holds the lease of one outbox for one relay: takes it and renews it every third of its time.
 * A zombie past its lease can only repeat events, since rows stay until somebody confirmed them.
 */
export interface LeaseKeeper {
  /** The lease, if it is ours now; tries to take it otherwise. */
  hold(): Promise<RelayLease | undefined>;
  /** Runs `work` and goes on renewing meanwhile: a page can take longer than a lease. */
  during<R>(work: () => Promise<R>): Promise<R>;
  /** Gives it back so that a standby goes on at once. Never throws. */
  release(): Promise<void>;
}

export function createLeaseKeeper(
  store: RelayStore,
  relay: string,
  leaseMs: number,
  clock: Clock,
): LeaseKeeper {
  const owner = randomUUID();
  let lease: RelayLease | undefined;
  let renewAtMs = 0;

  // Counted from before the statement: the database's clock starts no earlier.
  const extend = (askedAtMs: number) => {
    renewAtMs = askedAtMs + leaseMs / 3;
  };
  const take = async (): Promise<RelayLease | undefined> => {
    const askedAtMs = clock.monotonicMs();
    lease = await store.acquire(relay, owner, leaseMs);
    if (lease !== undefined) extend(askedAtMs);
    return lease;
  };

  const renew = async (held: RelayLease): Promise<void> => {
    const askedAtMs = clock.monotonicMs();
    if (askedAtMs < renewAtMs) return;
    if (await store.renew(held, leaseMs)) extend(askedAtMs);
    else lease = undefined;
  };

  return {
    hold: async () => {
      if (lease !== undefined) await renew(lease);
      return lease ?? take();
    },
    during: async (work) => {
      let cancel = () => {};
      let over = false;
      const again = () => {
        if (over) return;
        cancel = clock.schedule(leaseMs / 3, () => {
          const held = lease;
          // A renewal that fails is tried again; the lease ends by its time if none succeeds.
          if (held !== undefined)
            void renew(held)
              .catch(() => undefined)
              .then(again);
        });
      };
      again();
      try {
        return await work();
      } finally {
        over = true;
        cancel();
      }
    },
    release: async () => {
      const held = lease;
      lease = undefined;
      if (held === undefined) return;
      // A database that is gone ends the lease by its time.
      await store.release(held).catch(() => undefined);
    },
  };
}
