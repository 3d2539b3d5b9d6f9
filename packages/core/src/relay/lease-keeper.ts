import { randomUUID } from "node:crypto";
import type { Clock } from "../contracts/clock.ts";
import type { RelayLease, RelayStore } from "../contracts/relay-store.ts";
import { MessagingError } from "../errors.ts";

/**
 * Holds the lease of one outbox for one relay: takes it and renews it every third of its time.
 * A zombie past its lease can only repeat events, since rows stay until somebody confirmed them.
 */
export interface LeaseKeeper {
  /** The lease, if it is ours now; tries to take it otherwise. */
  hold(): Promise<RelayLease | undefined>;
  /** Runs `work` and goes on renewing meanwhile: a page can take longer than a lease. */
  during<R>(work: () => Promise<R>): Promise<R>;
  /**
   * @throws MessagingError STORE_LEASE_LOST when the lease is certainly not ours any more: this process slept past its
   * end, or somebody else has it. Asked right before anything is sent.
   */
  demand(): void;
  /** Somebody else has it: it is not ours until it was taken again. */
  lost(): void;
  /** Gives it back so that a standby goes on at once. Never throws. */
  release(): Promise<void>;
  /** From now on it is not taken any more, and what was not sent yet is not sent. It is renewed until its release. */
  end(): void;
}

export function createLeaseKeeper(store: RelayStore, leaseMs: number, clock: Clock): LeaseKeeper {
  const owner = randomUUID();
  let lease: RelayLease | undefined;
  // Counted from before the statement: the database's clock starts no earlier.
  let askedAtMs = 0;
  let ended = false;

  // A database that is gone ends the lease by its time.
  const giveBack = (held: RelayLease): Promise<void> => store.release(held).catch(() => undefined);
  const take = async (): Promise<RelayLease | undefined> => {
    if (ended) return undefined;
    const now = clock.monotonicMs();
    const taken = await store.acquire(owner, leaseMs);
    if (ended && taken !== undefined) {
      await giveBack(taken);
      return undefined;
    }
    lease = taken;
    askedAtMs = now;
    return lease;
  };
  const renew = async (held: RelayLease): Promise<void> => {
    const now = clock.monotonicMs();
    if (now < askedAtMs + leaseMs / 3) return;
    if (await store.renew(held, leaseMs)) askedAtMs = now;
    else if (lease === held) lease = undefined;
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
          if (held === undefined) return;
          // A renewal that fails is tried again; the lease ends by its time if none succeeds.
          void renew(held).then(again, again);
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
    demand: () => {
      if (!ended && lease !== undefined && clock.monotonicMs() < askedAtMs + leaseMs) return;
      throw new MessagingError("STORE_LEASE_LOST", "The lease of this outbox ran out. Acquire it anew.");
    },
    lost: () => {
      lease = undefined;
    },
    release: async () => {
      const held = lease;
      lease = undefined;
      if (held !== undefined) await giveBack(held);
    },
    end: () => {
      ended = true;
    },
  };
}
