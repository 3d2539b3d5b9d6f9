import type { Clock } from "../../contracts/clock.ts";
import type { BrokerMessage, StoredMessage } from "./message.ts";
import type { Outlet } from "./member.ts";
import { createOutlet } from "./outlet.ts";
import type { QueueOrdering } from "./queue.ts";

/** A consumer group, or with `each` the one member of one: an outlet per channel. */
export interface Group {
  readonly name: string;
  readonly kind: "share" | "each";
  readonly outlets: ReadonlyMap<string, Outlet>;
  /** Of the whole group; those of an `each` member go here too. */
  readonly deadLetters: Outlet;
  /** Gives a dead letter its place among those of the group. */
  storeLetter(letter: BrokerMessage, nowMs: number): StoredMessage;
  /** The outlet of a channel; a new one where the group had none. */
  bind(channel: string, ordering: QueueOrdering): Outlet;
  unbind(channel: string): void;
  /** Hands out what its members have room for, taking turns between the channels. */
  deliver(): void;
}

/** `onChange` is told when `deliver` may have something to do. */
export function createGroup(name: string, clock: Clock, onChange: (group: Group) => void): Group {
  const deadLetters = createOutlet(name, "none", clock, () => onChange(group));
  const group: Group = assemble(name, "share", deadLetters, [deadLetters], clock, onChange);
  return group;
}

/** The group of one member that gets every message for itself. */
export function createEachGroup(home: Group, clock: Clock, onChange: (group: Group) => void): Group {
  return assemble(home.name, "each", home.deadLetters, [], clock, onChange);
}

function assemble(
  name: string,
  kind: Group["kind"],
  deadLetters: Outlet,
  always: readonly Outlet[],
  clock: Clock,
  onChange: (group: Group) => void,
): Group {
  const outlets = new Map<string, Outlet>();
  let sources = always;
  let lastAt = 0;
  let lastLetter = 0;

  const group: Group = {
    name,
    kind,
    outlets,
    deadLetters,
    storeLetter: (letter, nowMs) => {
      lastLetter += 1;
      return { ...letter, offset: lastLetter, storedAtMs: nowMs };
    },
    bind: (channel, ordering) => {
      const outlet = outlets.get(channel) ?? createOutlet(name, ordering, clock, () => onChange(group));
      outlets.set(channel, outlet);
      sources = [...always, ...outlets.values()];
      return outlet;
    },
    unbind: (channel) => {
      outlets.delete(channel);
      sources = [...always, ...outlets.values()];
    },
    deliver: () => {
      let idle = 0;
      while (idle < sources.length) {
        lastAt = (lastAt + 1) % sources.length;
        idle = sources[lastAt]?.deliverOne() === true ? 0 : idle + 1;
      }
    },
  };
  return group;
}
