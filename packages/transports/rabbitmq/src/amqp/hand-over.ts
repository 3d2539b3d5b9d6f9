import type { MessagingError } from "@postrider/core";
import type { LossReason } from "../errors.ts";
import type { HeldDelivery } from "../settlement.ts";
import type { Fetched, Intake } from "./intake.ts";
import type { Tenure } from "./tenure.ts";

/** From what was fetched to the receiver: never more unsettled at once than the bound, the queues in turn. */
export interface HandOver {
  /** Hands over what there is room for. */
  pump(): void;
  freed(delivery: HeldDelivery): void;
  setBound(maxInFlight: number): void;
  /** `stopped` is for good. */
  setIntake(intake: "open" | "paused" | "stopped"): void;
  /** Hands nothing over from this queue until `resumeQueue`. */
  holdQueue(intake: Intake): void;
  resumeQueue(intake: Intake): void;
  /** Resolves when nothing of this channel is handed out; `false` when `deadline` comes first. */
  settledOf(tenure: Tenure, deadline: Promise<void>): Promise<boolean>;
  /** What was handed over from this channel is no longer ours. */
  lose(tenure: Tenure, reason: LossReason): void;
  /** What is handed over and not settled. */
  held(): readonly HeldDelivery[];
}

export interface HandOverParts {
  readonly intakes: readonly Intake[];
  readonly maxInFlight: number;
  readonly deliver: (fetched: Fetched, intake: Intake) => HeldDelivery;
  readonly receive: (delivery: HeldDelivery) => void;
  readonly onFailure: (error: unknown) => void;
}

export function createHandOver(parts: HandOverParts): HandOver {
  const { intakes, deliver, receive, onFailure } = parts;
  const held = new Set<HeldDelivery>();
  const heldQueues = new Set<Intake>();
  const watchers = new Set<() => void>();
  let bound = parts.maxInFlight;
  let intakeState: "open" | "paused" | "stopped" = "open";
  let turn = 0;
  let pumping = false;

  const nextOf = (): (() => HeldDelivery) | undefined => {
    for (let tried = 0; tried < intakes.length; tried += 1) {
      const intake = intakes[turn % intakes.length];
      turn += 1;
      if (intake === undefined || heldQueues.has(intake)) continue;
      const fetched = intake.next();
      if (fetched !== undefined) return () => deliver(fetched, intake);
    }
    return undefined;
  };
  const pump = (): void => {
    // A receiver that settles at once comes back here: the loop below goes on, not the stack.
    if (pumping) return;
    pumping = true;
    try {
      while (intakeState === "open" && held.size < bound) {
        const make = nextOf();
        if (make === undefined) break;
        hand(make());
      }
    } finally {
      pumping = false;
    }
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
  const tellWatchers = (): void => {
    for (const look of [...watchers]) look();
  };

  return {
    pump,
    freed: (delivery) => {
      if (!held.delete(delivery)) return;
      if (watchers.size > 0) tellWatchers();
      pump();
    },
    setBound: (maxInFlight) => {
      bound = maxInFlight;
      pump();
    },
    setIntake: (next) => {
      if (intakeState !== "stopped") intakeState = next;
      pump();
    },
    holdQueue: (intake) => void heldQueues.add(intake),
    resumeQueue: (intake) => {
      heldQueues.delete(intake);
      pump();
    },
    settledOf: (tenure, deadline) =>
      new Promise((resolve) => {
        const end = (settled: boolean): void => {
          watchers.delete(look);
          resolve(settled);
        };
        const look = (): void => {
          if (!tenure.live() || ![...held].some(({ fetched }) => fetched.tenure === tenure)) end(true);
        };
        watchers.add(look);
        void deadline.then(() => end(false));
        look();
      }),
    lose: (tenure, reason) => {
      for (const delivery of [...held]) if (delivery.fetched.tenure === tenure) delivery.lose(reason);
      tellWatchers();
    },
    held: () => [...held],
  };
}

/** Puts a message back to its place among what was fetched, oldest first. */
export function putBack({ message, tenure }: Fetched): void {
  const { fields } = message;
  fields.redelivered = true;
  const after = tenure.fetched.findIndex((other) => other.fields.deliveryTag > fields.deliveryTag);
  if (after < 0) tenure.fetched.push(message);
  else tenure.fetched.splice(after, 0, message);
}

/** Somebody who is told of a fault must not add one. */
export function report(onFault: (error: MessagingError) => void, error: MessagingError): void {
  try {
    onFault(error);
  } catch {
    // Nobody is left to be told.
  }
}
