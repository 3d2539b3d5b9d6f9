import { type Clock, MessagingError, type PublishBounds, type PublishOutcome } from "@postrider/core";
import { rejected, unknownOutcome } from "../errors.ts";
import type { NativeMessage } from "../mapping.ts";

/** A message with the place it goes to. */
export interface Parcel extends NativeMessage {
  readonly channel: string;
  readonly stream: string;
  readonly bytes: number;
}

/** One message of one call, until its outcome is known. */
export interface Entry {
  readonly job: Job;
  readonly index: number;
  readonly parcel: Parcel;
  /** The broker may have it. */
  sent: boolean;
  done: boolean;
}

/** `batch`: each message for itself. `run`: behind one that failed nothing is confirmed. */
export type JobShape = "batch" | "run";

/** One call of `publish` or `publishRun`, until it has its outcomes. */
export interface Job {
  readonly entries: readonly Entry[];
  readonly expiresAtMs: number;
  readonly settled: Promise<void>;
  finish(entry: Entry, outcome: PublishOutcome): void;
  /** Of a run of which one message is refused, none is sent again. */
  endIfBroken(): void;
  /** Ends all that is open: what was sent with an unknown outcome, the rest with `unsent`. */
  give(unsent: MessagingError): void;
}

export interface JobParts {
  readonly messages: readonly (Parcel | PublishOutcome)[];
  readonly shape: JobShape;
  readonly bounds: PublishBounds;
  readonly clock: Clock;
  readonly onSettled: (job: Job) => void;
  readonly resolve: (outcomes: readonly PublishOutcome[]) => void;
}

/** A slot whose outcome is not known yet. */
const open: PublishOutcome = Object.freeze({ status: "confirmed" });

export function createJob({ messages, shape, bounds, clock, onSettled, resolve }: JobParts): Job {
  const outcomes: PublishOutcome[] = messages.map((one) => ("status" in one ? one : open));
  const entries: Entry[] = [];
  let left = 0;
  let tellSettled = (): void => undefined;
  const { signal } = bounds;

  const settle = (): void => {
    signal?.removeEventListener("abort", abort);
    onSettled(job);
    resolve(shape === "run" ? prefixOf(outcomes) : outcomes);
    tellSettled();
  };
  const finish = (entry: Entry, outcome: PublishOutcome): void => {
    if (entry.done) return;
    entry.done = true;
    outcomes[entry.index] = outcome;
    left -= 1;
    if (shape === "run" && outcome.status !== "confirmed") leaveUnsent(entry.index, outcome);
    if (left === 0) settle();
  };
  /** Of a run that is broken nothing more is sent. */
  const leaveUnsent = (index: number, broken: PublishOutcome): void => {
    for (const entry of entries) {
      if (entry.done || entry.sent || entry.index < index) continue;
      entry.done = true;
      outcomes[entry.index] = behind(broken);
      left -= 1;
    }
  };
  const abort = (): void =>
    job.give(
      new MessagingError("TRANSPORT_DEADLINE", "This publish was given up by its signal before it was sent", {
        cause: signal?.reason,
      }),
    );

  const job: Job = {
    entries,
    expiresAtMs: clock.monotonicMs() + bounds.deadlineMs,
    settled: new Promise<void>((tell) => (tellSettled = tell)),
    finish,
    endIfBroken: () => {
      if (shape !== "run" || !outcomes.some((one) => one.status !== "confirmed")) return;
      for (const entry of entries) if (!entry.done) finish(entry, unknownOutcome(unknownError()));
    },
    give: (unsent) => {
      for (const entry of entries) {
        if (!entry.done)
          finish(entry, entry.sent ? unknownOutcome(unknownError()) : rejected("broker", unsent));
      }
    },
  };
  let broken = false;
  for (const [index, message] of messages.entries()) {
    if ("status" in message) {
      broken ||= shape === "run" && message.status !== "confirmed";
      continue;
    }
    if (broken) continue;
    entries.push({ job, index, parcel: message, sent: false, done: false });
  }
  left = entries.length;
  signal?.addEventListener("abort", abort, { once: true });
  if (left === 0) settle();
  return job;
}

/** After the first that is not confirmed nothing counts as confirmed, though the broker may have it. */
function prefixOf(outcomes: readonly PublishOutcome[]): readonly PublishOutcome[] {
  const first = outcomes.findIndex((one) => one.status !== "confirmed");
  const broken = outcomes[first];
  if (broken === undefined) return outcomes;
  return outcomes.map((outcome, index) => {
    if (index <= first || outcome.status !== "confirmed") return outcome;
    // Never sent when it has no entry; but then its slot is behind one that was refused before anything was sent.
    return outcome === open ? behind(broken) : unknownOutcome(unknownError());
  });
}

function behind(broken: PublishOutcome): PublishOutcome {
  if (broken.status === "confirmed") return broken;
  const message = "Not sent, to keep the order: an earlier message of this run was not confirmed";
  return rejected(broken.scope, new MessagingError("TRANSPORT_REJECTED", message, { cause: broken.error }));
}

function unknownError(): MessagingError {
  return new MessagingError(
    "TRANSPORT_OUTCOME_UNKNOWN",
    "Redis did not confirm the message in time: it may have it. Publish it again with the same id",
  );
}
