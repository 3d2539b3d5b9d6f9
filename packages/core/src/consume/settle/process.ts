import type { Logger } from "../../contracts/logger.ts";
import { soundError } from "../../failure/sound-error.ts";
import type { Attempts } from "../attempt/attempt.ts";
import type { FailedOutcome } from "./failed.ts";
import type { Holds } from "./holds.ts";
import type { OutageGate } from "./outage.ts";
import type { Refuse } from "./refuse.ts";
import type { Settler } from "./settle.ts";
import type { Slots } from "../intake/slots.ts";
import type { AttemptOutcome, End, Fate, Work } from "../work.ts";

export interface ProcessParts {
  readonly consumer: string;
  readonly attempts: Attempts;
  readonly slots: Slots;
  readonly settler: Settler;
  readonly gate: OutageGate;
  readonly holds: Holds;
  /** Between a failure of our own and the message's return. */
  readonly pauseMs: number;
  readonly logger: Logger;
  readonly refuse: Refuse;
  readonly failed: (work: Work, outcome: FailedOutcome) => Promise<Fate>;
  /** True for a failure that running the transaction again can cure: serialization failure, deadlock. */
  readonly isConflict: (error: Error) => boolean;
  /** Works of one lane keep their order; those without a lane wait for nobody. */
  readonly laneOf: (work: Work) => string | undefined;
}

/** Sees works that share a handler call through, from their slot to their settlement. Tells of each when it ended. */
export type Process = (works: readonly Work[], ended: (work: Work, end: End) => void) => Promise<void>;

/** A work, and what the attempt together with others came to; undefined when it is to be tried alone. */
interface Tried {
  readonly work: Work;
  readonly outcome: AttemptOutcome | undefined;
}

/** So many conflicts in a row cost a message no attempt. */
const freeConflicts = 5;

const turnedAway: AttemptOutcome = { kind: "abandoned", error: new Error("The consumer closes") };

export function createProcess(parts: ProcessParts): Process {
  const { consumer, attempts, slots, settler, gate, holds, logger } = parts;

  const attempt = async (works: readonly Work[]): Promise<readonly AttemptOutcome[]> => {
    const free = await slots.take();
    if (free === undefined) return works.map(() => turnedAway);
    try {
      return await attempts.run(works);
    } finally {
      free();
    }
  };
  const attemptAlone = async (work: Work): Promise<AttemptOutcome> =>
    (await attempt([work]))[0] ?? turnedAway;

  const giveBack = async (work: Work): Promise<End> => {
    await settler.release(work.delivery, "released");
    return "returned";
  };

  const settle = async (work: Work, outcome: AttemptOutcome, conflicts: number): Promise<Fate> => {
    switch (outcome.kind) {
      case "abandoned":
        return giveBack(work);
      case "handled":
      case "duplicate":
        gate.over();
        await settler.ack(work.delivery, outcome.kind);
        return "settled";
      case "invalid":
        return parts.refuse(
          work,
          outcome.error,
          await settler.deadLetter(work.delivery, {
            reason: "invalid",
            attempts: work.attempt,
            error: outcome.error,
            firstFailedAt: work.firstFailedAt,
          }),
        );
      case "outage":
        return (await gate.wait(work, outcome.error)) ? "again" : giveBack(work);
      case "failed":
        // Before it was prepared nobody had asked the database.
        if (outcome.prepared !== undefined) gate.over();
        if (conflicts < freeConflicts && parts.isConflict(outcome.error)) return "again";
        return parts.failed(work, outcome);
    }
  };

  const seeThrough = async ({ work, outcome: first }: Tried): Promise<End> => {
    let conflicts = 0;
    for (let outcome = first ?? (await attemptAlone(work)); ; outcome = await attemptAlone(work)) {
      const fate = await settle(work, outcome, conflicts);
      if (fate !== "again") return fate;
      conflicts = outcome.kind === "failed" && parts.isConflict(outcome.error) ? conflicts + 1 : 0;
    }
  };

  /** Nothing above throws. If it does all the same, the message must not stay with us for ever. */
  const seeThroughSafely = async (tried: Tried): Promise<End> => {
    try {
      return await seeThrough(tried);
    } catch (thrown) {
      logger.error("The consumer failed on a message; it comes again", {
        consumer,
        reason: soundError(thrown).message,
      });
      await holds.hold(parts.pauseMs, tried.work.delivery.signal);
      return await giveBack(tried.work);
    } finally {
      gate.leave(tried.work);
    }
  };

  /** One after another; behind one that went back to the broker nobody may run, or it would be overtaken. */
  const inOrder = async (lane: readonly Tried[], ended: (work: Work, end: End) => void): Promise<void> => {
    let previous: End = "settled";
    for (const tried of lane) {
      const overtakes: boolean = previous === "returned" && !hasWorked(tried.outcome);
      const end: End = overtakes ? await giveBack(tried.work) : await seeThroughSafely(tried);
      ended(tried.work, end);
      if (end === "returned") previous = end;
    }
  };

  return async (works, ended) => {
    const outcomes = await attempt(works);
    // A failure rolled the whole batch back: its messages run alone, and only then does an attempt count.
    const alone = works.length > 1 && outcomes.some((one) => one.kind === "failed" && one.rolledBack);
    if (alone)
      logger.info("A batch was rolled back; its messages run one by one", { consumer, count: works.length });
    const tried = works.map((work, index) => ({ work, outcome: alone ? undefined : outcomes[index] }));
    await Promise.all(byLane(tried, parts.laneOf).map((lane) => inOrder(lane, ended)));
  };
}

function hasWorked(outcome: AttemptOutcome | undefined): boolean {
  return outcome?.kind === "handled" || outcome?.kind === "duplicate";
}

/** Groups that keep their order inside; whoever has no lane is a group alone. */
function byLane(all: readonly Tried[], laneOf: ProcessParts["laneOf"]): readonly (readonly Tried[])[] {
  const lanes = new Map<unknown, Tried[]>();
  for (const tried of all) {
    const lane = laneOf(tried.work) ?? tried;
    const others = lanes.get(lane);
    if (others === undefined) lanes.set(lane, [tried]);
    else others.push(tried);
  }
  return [...lanes.values()];
}
