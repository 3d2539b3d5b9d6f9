import type { Logger } from "../../contracts/logger.ts";
import type { LineageScope } from "../../envelope/lineage.ts";
import type { EventDraft } from "../../event/draft.ts";
import { soundError } from "../../failure/sound-error.ts";
import { refusalOf } from "../../request/answer.ts";
import type { End, Work } from "../work.ts";

/** Tells who asked that the request was given up, once that is settled. Others are told nothing. Never rejects. */
export type Refuse = (work: Work, error: Error, end: End) => Promise<End>;

export interface RefuseParts {
  readonly lineage: LineageScope;
  /** Straight to the broker: the work was rolled back, and there is no transaction left to go with. */
  readonly publish: (draft: EventDraft) => Promise<void>;
  readonly logger: Logger;
}

export function createRefuse({ lineage, publish, logger }: RefuseParts): Refuse {
  return async ({ facts }, error, end) => {
    const { asker, id } = facts;
    // What the broker has back may still be done.
    if (asker === undefined || end === "returned") return end;
    const from = {
      correlationid: facts.correlationId ?? id,
      causationid: id,
      tenant: facts.tenant,
    };
    try {
      await lineage.run(from, () => publish(refusalOf(asker, error)));
    } catch (thrown) {
      // Who asked finds out at the end of its time.
      logger.warn("Who asked could not be told that its request was given up", {
        type: facts.type,
        id,
        reason: soundError(thrown).message,
      });
    }
    return end;
  };
}
