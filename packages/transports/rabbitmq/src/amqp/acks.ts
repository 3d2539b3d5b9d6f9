import type { Clock } from "@postrider/core";

/*
 * Acknowledgements of one channel. One that says "all up to here" costs as much as one for a single message, so they go
 * out for the longest prefix that is done; what is done behind a gap goes alone when the gap does not close soon.
 */
export interface Acks {
  /** Delivery tags begin at 1 and come in order. */
  delivered(tag: number): void;
  done(tag: number): void;
  /** As `done`, and sent at once: what has a copy should not come again itself. */
  doneNow(tag: number): void;
  /** Sends what is due now. */
  flush(): void;
  /** Sends nothing any more. */
  end(): void;
}

export interface AckParts {
  readonly clock: Clock;
  /** How long one waits for others to go with it. */
  readonly delayMs: number;
  /** So many go at once without waiting. */
  readonly batch: number;
  readonly send: (tag: number, reach: "all-up-to" | "alone") => void;
}

const open = 0;
const done = 1;
/** Acknowledged alone. */
const gone = 2;

const slackSlots = 1_024;

export function createAcks({ clock, delayMs, batch, send }: AckParts): Acks {
  let states: number[] = [];
  /** The tag of the first slot, and the first slot that is not known to be done or gone. */
  let base = 1;
  let head = 0;
  let due = 0;
  let stragglers: number[] = [];
  let older: number[] = [];
  let cancel: (() => void) | undefined;
  let ended = false;

  const advance = (): void => {
    let last = 0;
    while (head < states.length && states[head] !== open) {
      // Only a tag that the broker still waits for may be named, whatever its prefix holds.
      if (states[head] === done) last = base + head;
      head += 1;
    }
    if (last > 0) send(last, "all-up-to");
    if (head < slackSlots && head < states.length) return;
    states = states.slice(head);
    base += head;
    head = 0;
  };
  const single = (tags: readonly number[]): void => {
    for (const tag of tags) {
      const slot = tag - base;
      if (slot < head || states[slot] !== done) continue;
      states[slot] = gone;
      send(tag, "alone");
    }
  };
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    if (ended) return;
    due = 0;
    advance();
    // What has waited for a whole round already waits no longer.
    single(older);
    older = stragglers.filter((tag) => tag - base >= head);
    stragglers = [];
    if (older.length > 0) arm();
  };
  const arm = (): void => {
    cancel ??= clock.schedule(delayMs, flush);
  };

  return {
    delivered: (tag) => {
      while (base + states.length <= tag) states.push(open);
    },
    done: (tag) => {
      const slot = tag - base;
      if (ended || states[slot] !== open) return;
      states[slot] = done;
      if (slot > head) stragglers.push(tag);
      due += 1;
      if (due >= batch) flush();
      else arm();
    },
    doneNow: (tag) => {
      const slot = tag - base;
      if (ended || states[slot] !== open) return;
      states[slot] = gone;
      send(tag, "alone");
    },
    flush: () => {
      flush();
      single(older);
      older = [];
      cancel?.();
      cancel = undefined;
    },
    end: () => {
      ended = true;
      cancel?.();
      cancel = undefined;
    },
  };
}
