import { MessagingError } from "../../errors.ts";
import type { Work } from "../work.ts";

/**
 * In a batch that keeps order, a message that failed must not be overtaken: when a later one of its lane did not fail,
 * this throws, so that the batch is rolled back and its messages run one by one.
 */
export function refuseOvertaking(
  works: readonly Work[],
  hasFailed: (work: Work, index: number) => boolean,
  laneOf: (work: Work) => string | undefined,
): void {
  const failedLanes = new Set<string>();
  for (const [index, work] of works.entries()) {
    const lane = laneOf(work);
    if (lane === undefined) continue;
    if (hasFailed(work, index)) failedLanes.add(lane);
    else if (failedLanes.has(lane)) throw overtakenError(work);
  }
}

function overtakenError({ facts }: Work): MessagingError {
  return new MessagingError(
    "HANDLER_FAILED",
    `A message of the batch failed, and '${facts.type}' ${facts.id} of the same key would overtake it.`,
    { context: { type: facts.type, id: facts.id } },
  );
}
