import type { Clock } from "../../contracts/clock.ts";
import { hasRoom, type Lease, type Member, type Outlet } from "./member.ts";
import { createQueue, type QueueOrdering } from "./queue.ts";

/** `onChange` is told when messages may go out that could not before. */
export function createOutlet(
  group: string,
  ordering: QueueOrdering,
  clock: Clock,
  onChange: () => void,
): Outlet {
  const queue = createQueue(ordering);
  const members: Member[] = [];
  let nextAt = 0;
  let cancelTimer: (() => void) | undefined;

  const nextMember = (): Member | undefined => {
    for (let i = 0; i < members.length; i += 1) {
      const at = (nextAt + i) % members.length;
      const member = members[at];
      if (member === undefined || !hasRoom(member)) continue;
      nextAt = at + 1;
      return member;
    }
    return undefined;
  };

  const disarm = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  const arm = (): void => {
    disarm();
    if (members.length === 0) return;
    const nowMs = clock.monotonicMs();
    queue.wake(nowMs);
    onChange();
    const dueMs = queue.nextDueMs();
    if (dueMs !== undefined) cancelTimer = clock.schedule(dueMs - nowMs, arm);
  };

  const outlet: Outlet = {
    group,
    queue,
    members,
    touch: onChange,
    arm,
    disarm,
    clear: () => {
      disarm();
      for (const member of members) {
        for (const lease of [...member.leases])
          if (lease.outlet === outlet) outlet.lose(lease, "cleared", "gone");
      }
      queue.clear();
    },
    join: (member) => {
      if (!members.includes(member)) members.push(member);
      member.outlets.add(outlet);
    },
    leave: (member) => {
      const at = members.indexOf(member);
      if (at >= 0) members.splice(at, 1);
      member.outlets.delete(outlet);
      if (members.length === 0) disarm();
    },
    add: (message) => {
      queue.add(message);
      onChange();
    },
    deliverOne: () => {
      const member = queue.ready > 0 ? nextMember() : undefined;
      const entry = member === undefined ? undefined : queue.take();
      if (member === undefined || entry === undefined) return false;
      const lease: Lease = { entry, outlet, member, live: true, onLost: undefined };
      member.leases.add(lease);
      member.receive(lease);
      return true;
    },
    lose: (lease, reason, message) => {
      end(lease);
      if (message !== "gone")
        queue.giveBack(lease.entry, lease.entry.attempt + (message === "counted" ? 1 : 0));
      onChange();
      lease.onLost?.(reason);
    },
    ack: (lease) => {
      end(lease);
      queue.ack(lease.entry);
      onChange();
    },
    giveBack: (lease) => {
      end(lease);
      queue.giveBack(lease.entry, lease.entry.attempt);
      onChange();
    },
    retry: (lease, attempt, delayMs) => {
      end(lease);
      queue.retry(lease.entry, attempt, clock.monotonicMs() + delayMs);
      arm();
    },
  };
  return outlet;
}

function end(lease: Lease): void {
  lease.live = false;
  lease.member.leases.delete(lease);
}
