import type { StoredMessage } from "./message.ts";
import type { Entry, MessageQueue } from "./queue.ts";

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

/** A queue and the members that share it: of one group in one channel, or the dead letters of one group. */
export interface Outlet {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly members: readonly Member[];
  join(member: Member): void;
  leave(member: Member): void;
  add(message: StoredMessage): void;
  /** Hands one message to the next member with room. False when there is no such pair. */
  deliverOne(): boolean;
  /** Ends a lease that was not settled. `counted`: the delivery counts as an attempt. `gone`: the message goes too. */
  lose(lease: Lease, reason: LossReason, message: "counted" | "uncounted" | "gone"): void;
  ack(lease: Lease): void;
  giveBack(lease: Lease): void;
  retry(lease: Lease, attempt: number, delayMs: number): void;
  /** There may be room for more. */
  touch(): void;
  /** Lets delayed messages come due. A timer runs only while the broker runs and somebody would get them. */
  arm(): void;
  /** No timer runs until `arm` is called again. */
  disarm(): void;
  /** Drops every message. */
  clear(): void;
}

export function hasRoom(member: Member): boolean {
  return member.intake === "open" && member.leases.size < member.maxInFlight && member.reachable();
}

/** Ends what a member holds without its having settled it. `counted`: each delivery counts as an attempt. */
export function loseLeases(member: Member, reason: LossReason, messages: "counted" | "uncounted"): void {
  for (const lease of [...member.leases]) lease.outlet.lose(lease, reason, messages);
}
