import type { MessagingError } from "@postrider/core";
import type { LossReason } from "../errors.ts";
import type { HeldDelivery } from "../settlement.ts";
import type { WorkQueue } from "../topology.ts";
import { isBefore } from "./entries.ts";
import { type Fetched, placeOf } from "./fetched.ts";

/** From what was fetched to the receiver: never more unsettled at once than the bound. */
export interface HandOver {
  /** Takes what was fetched, and hands over what there is room for. */
  add(fetched: readonly Fetched[]): void;
  freed(delivery: HeldDelivery): void;
  setBound(maxInFlight: number): void;
  /** `stopped` is for good. */
  setIntake(intake: "open" | "paused" | "stopped"): void;
  /** How many more may be fetched now; 0 while nothing is to be handed over. */
  room(): number;
  /** Hands nothing over from this queue until `resumeQueue`. */
  holdQueue(queue: WorkQueue): void;
  resumeQueue(queue: WorkQueue): void;
  /** Resolves when nothing of this queue is handed out; `false` when `deadline` comes first. */
  settledOf(queue: WorkQueue, deadline: Promise<void>): Promise<boolean>;
  /** Puts one back to its place among what was fetched of its stream. */
  putBack(fetched: Fetched): void;
  /** What these match is no longer ours: that which is handed out is told so, that which waits is let go of. */
  lose(matches: (fetched: Fetched) => boolean, reason: LossReason): Lost;
  /** All that is ours now, handed out or not. */
  all(): readonly Fetched[];
  /** What is ours and could not be handed over yet. */
  waiting(): readonly Fetched[];
}

export interface Lost {
  readonly handedOut: readonly Fetched[];
  readonly waiting: readonly Fetched[];
}

export interface HandOverParts {
  readonly maxInFlight: number;
  /** What may be fetched before there is room to hand it over. */
  readonly ahead: "none" | "as-many-again";
  readonly deliver: (fetched: Fetched) => HeldDelivery;
  readonly receive: (delivery: HeldDelivery) => void;
  readonly onFailure: (error: unknown) => void;
  /** There is room to fetch more. */
  readonly onRoom: () => void;
}

export function createHandOver({
  maxInFlight,
  ahead,
  deliver,
  receive,
  onFailure,
  onRoom,
}: HandOverParts): HandOver {
  const held = new Set<HeldDelivery>();
  const heldQueues = new Set<WorkQueue>();
  const watchers = new Set<() => void>();
  let waiting: Fetched[] = [];
  let bound = maxInFlight;
  let intake: "open" | "paused" | "stopped" = "open";
  let pumping = false;

  const next = (): Fetched | undefined => {
    if (heldQueues.size === 0) return waiting.shift();
    const at = waiting.findIndex(({ queue }) => !heldQueues.has(queue));
    return at < 0 ? undefined : waiting.splice(at, 1)[0];
  };
  const pump = (): void => {
    // A receiver that settles at once comes back here: the loop below goes on, not the stack.
    if (pumping) return;
    pumping = true;
    try {
      while (intake === "open" && held.size < bound) {
        const fetched = next();
        if (fetched === undefined) break;
        if (fetched.tenure.live()) hand(deliver(fetched));
      }
    } finally {
      pumping = false;
    }
    if (room() > 0) onRoom();
  };
  const hand = (delivery: HeldDelivery): void => {
    held.add(delivery);
    try {
      receive(delivery);
    } catch (error) {
      // The message stays with the receiver that failed to take it: it would fail the next time too.
      onFailure(error);
    }
  };
  const room = (): number => {
    if (intake !== "open") return 0;
    const most = bound + (ahead === "none" ? 0 : Math.min(bound, 1_000));
    return Math.max(0, most - held.size - waiting.length);
  };
  const tellWatchers = (): void => {
    for (const look of [...watchers]) look();
  };

  return {
    add: (fetched) => {
      for (const one of fetched) if (one.tenure.live()) waiting.push(one);
      pump();
    },
    freed: (delivery) => {
      if (!held.delete(delivery)) return;
      if (watchers.size > 0) tellWatchers();
      pump();
    },
    setBound: (count) => {
      bound = count;
      pump();
    },
    setIntake: (wanted) => {
      if (intake !== "stopped") intake = wanted;
      pump();
    },
    room,
    holdQueue: (queue) => void heldQueues.add(queue),
    resumeQueue: (queue) => {
      heldQueues.delete(queue);
      pump();
    },
    settledOf: (queue, deadline) =>
      new Promise((resolve) => {
        const end = (settled: boolean): void => {
          watchers.delete(look);
          resolve(settled);
        };
        const look = (): void => {
          if (![...held].some(({ fetched }) => fetched.queue === queue)) end(true);
        };
        watchers.add(look);
        void deadline.then(() => end(false));
        look();
      }),
    putBack: (fetched) => {
      const after = waiting.findIndex(
        ({ stream, entry }) => stream === fetched.stream && isBefore(fetched.entry.id, entry.id),
      );
      if (after < 0) waiting.push(fetched);
      else waiting.splice(after, 0, fetched);
    },
    lose: (matches, reason) => {
      const lost = [...held].filter(({ fetched }) => matches(fetched));
      const left = waiting.filter(matches);
      waiting = waiting.filter((one) => !matches(one));
      for (const delivery of lost) delivery.lose(reason);
      tellWatchers();
      return { handedOut: lost.map(({ fetched }) => fetched), waiting: left };
    },
    waiting: () => [...waiting],
    all: () => [...[...held].map(({ fetched }) => fetched), ...waiting],
  };
}

/** The places of all these, to know them again. */
export function placesOf(fetched: readonly Fetched[]): ReadonlySet<string> {
  return new Set(fetched.map(placeOf));
}

/** Somebody who is told of a fault must not add one. */
export function report(onFault: (error: MessagingError) => void, error: MessagingError): void {
  try {
    onFault(error);
  } catch {
    // It was told.
  }
}
