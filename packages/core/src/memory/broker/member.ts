import type { Outlet } from "./outlet.ts";
import type { Entry } from "./queue.ts";

/** Why a lease ended without having been settled. */
export type LossReason = "closed" | "outage" | "cleared";

/** One delivery, from hand-over to settlement. */
export interface Lease {
  readonly entry: Entry;
  readonly outlet: Outlet;
  readonly member: Member;
  /** False once it is settled or lost: nothing that its holder does has an effect any more. */
  live: boolean;
  /** Set by the receiver; called when the lease is lost. */
  onLost: ((reason: LossReason) => void) | undefined;
}

/** One subscription as the broker sees it. */
export interface Member {
  readonly leases: Set<Lease>;
  readonly outlets: Set<Outlet>;
  maxInFlight: number;
  intake: "open" | "paused" | "stopped";
  /** False while the connection of its client is down. */
  reachable(): boolean;
  receive(lease: Lease): void;
}

export function hasRoom(member: Member): boolean {
  return member.intake === "open" && member.leases.size < member.maxInFlight && member.reachable();
}

/** Ends what a member holds without its having settled it. `counted`: each delivery counts as an attempt. */
export function loseLeases(member: Member, reason: LossReason, messages: "counted" | "uncounted"): void {
  for (const lease of [...member.leases]) lease.outlet.lose(lease, reason, messages);
}
