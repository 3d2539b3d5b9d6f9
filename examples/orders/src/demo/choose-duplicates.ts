import { z } from "zod";
import type { Plan } from "./plan.ts";

/** Which messages are to come a second time. */
export interface DuplicateChoice {
  /** Asked once for each message. */
  sendAgain(body: Uint8Array): boolean;
  /** Messages of this run seen so far, the poisoned order's included. */
  seen(): number;
}

const every = 10;
const Data = z.object({ reference: z.string() });

/**
 * Every tenth order, and the very first: more than 5 % of any number. Not the poisoned one, whose copy would be a
 * second dead letter, and not the one whose trace is drawn, as long as there are others.
 */
export function chooseDuplicates(plan: Plan): DuplicateChoice {
  const spared = new Set([plan.poisonedReference, ...(plan.count > 1 ? [plan.watchedReference] : [])]);
  let seen = 0;
  let eligible = 0;
  return {
    seen: () => seen,
    sendAgain: (body) => {
      const data = Data.safeParse(jsonOf(body));
      if (!data.success || !data.data.reference.startsWith(plan.referencePrefix)) return false;
      seen += 1;
      if (spared.has(data.data.reference)) return false;
      eligible += 1;
      return eligible % every === 1;
    },
  };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
