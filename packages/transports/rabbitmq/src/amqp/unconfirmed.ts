import type { Entry } from "./job.ts";

/** What was sent on one channel and is not confirmed, by delivery tag: the broker numbers from 1 as we send. */
export interface Unconfirmed {
  add(entry: Entry): void;
  /** Takes what a confirmation is for: one tag, or all up to it. */
  confirm(tag: number, multiple: boolean): readonly Entry[];
  /** Those still open, in the order sent. */
  open(): readonly Entry[];
  count(): number;
  bytes(): number;
}

/** So many slots in front may be empty before the array is cut. */
const slackSlots = 1_024;

export function createUnconfirmed(): Unconfirmed {
  let slots: (Entry | undefined)[] = [];
  /** The tag of the first slot. */
  let base = 1;
  /** The first slot that may be taken. */
  let head = 0;
  let count = 0;
  let bytes = 0;

  const take = (slot: number, into: Entry[]): void => {
    const entry = slots[slot];
    if (entry === undefined) return;
    slots[slot] = undefined;
    count -= 1;
    bytes -= entry.parcel.content.length;
    into.push(entry);
  };
  const compact = (): void => {
    while (head < slots.length && slots[head] === undefined) head += 1;
    if (head < slackSlots && head < slots.length) return;
    slots = slots.slice(head);
    base += head;
    head = 0;
  };

  return {
    add: (entry) => {
      slots.push(entry);
      count += 1;
      bytes += entry.parcel.content.length;
    },
    confirm: (tag, multiple) => {
      const taken: Entry[] = [];
      const last = Math.min(tag - base, slots.length - 1);
      for (let slot = multiple ? head : Math.max(last, 0); slot <= last; slot += 1) take(slot, taken);
      compact();
      return taken;
    },
    open: () => slots.filter((entry) => entry !== undefined),
    count: () => count,
    bytes: () => bytes,
  };
}
