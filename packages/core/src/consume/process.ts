import type { Attempts } from "./attempt.ts";
import type { FailedOutcome } from "./failed.ts";
import type { OutageGate } from "./outage.ts";
import type { Settler } from "./settle.ts";
import type { Slots } from "./slots.ts";
import type { AttemptOutcome, Work } from "./work.ts";

export interface ProcessParts {
  readonly attempts: Attempts;
  readonly slots: Slots;
  readonly settler: Settler;
  readonly gate: OutageGate;
  readonly failed: (work: Work, outcome: FailedOutcome) => Promise<boolean>;
  /** True for a failure that running the transaction again can cure: serialization failure, deadlock. */
  readonly isConflict: (error: Error) => boolean;
}

/** So many conflicts in a row cost a message no attempt. */
const freeConflicts = 5;

/** Sees works that share a handler call through, from their slot to their settlement. */
export function createProcess(parts: ProcessParts): (works: readonly Work[]) => Promise<void> {
  const { attempts, slots, settler, gate } = parts;

  const attempt = async (works: readonly Work[]): Promise<readonly AttemptOutcome[] | undefined> => {
    const free = await slots.take();
    if (free === undefined) return undefined;
    try {
      return await attempts.run(works);
    } finally {
      free();
    }
  };

  /** True when the work is settled, false when it is to be tried again at once. */
  const settle = async (work: Work, outcome: AttemptOutcome | undefined, conflicts: number): Promise<boolean> => {
    switch (outcome?.kind) {
      case undefined:
      case "abandoned":
        await settler.release(work.delivery, "released");
        return true;
      case "handled":
      case "duplicate":
        gate.over();
        await settler.ack(work.delivery, outcome.kind);
        return true;
      case "invalid":
        await settler.deadLetter(work.delivery, {
          reason: "invalid",
          attempts: work.attempt,
          error: outcome.error,
          firstFailedAt: work.firstFailedAt,
        });
        return true;
      case "outage":
        if (await gate.wait(outcome.error)) return false;
        await settler.release(work.delivery, "released");
        return true;
      case "failed":
        gate.over();
        if (conflicts < freeConflicts && parts.isConflict(outcome.error)) return false;
        return parts.failed(work, outcome);
    }
  };

  const seeThrough = async (work: Work, first: AttemptOutcome | undefined): Promise<void> => {
    let outcome = first;
    for (let conflicts = 0; !(await settle(work, outcome, conflicts)); ) {
      conflicts = outcome?.kind === "failed" && parts.isConflict(outcome.error) ? conflicts + 1 : 0;
      outcome = (await attempt([work]))?.[0];
    }
  };

  return async (works) => {
    const outcomes = await attempt(works);
    const rolledBack = works.length > 1 && outcomes?.some((one) => one.kind === "failed" && one.rolledBack) === true;
    for (const [index, work] of works.entries()) {
      // A failure rolled the whole batch back: its messages run one by one, and only then does an attempt count.
      const outcome = rolledBack ? (await attempt([work]))?.[0] : outcomes?.[index];
      await seeThrough(work, outcome);
    }
  };
}
