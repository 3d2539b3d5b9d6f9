import type { DeadLetterError } from "../contracts/dead-letter.ts";
import { soundError } from "./sound-error.ts";

const maxCauses = 8;
const maxMessageLength = 1_024;
const maxStackLength = 4_096;

/** An error and its causes, outermost first, cut to what fits into broker headers. Survives cycles and odd causes. */
export function describeError(thrown: unknown): readonly DeadLetterError[] {
  const chain: DeadLetterError[] = [];
  const seen = new Set<unknown>();
  for (let next: unknown = thrown; chain.length < maxCauses && !seen.has(next);) {
    seen.add(next);
    const error = soundError(next);
    chain.push(describeOne(error));
    if (error.cause === undefined || error.cause === null) break;
    next = error.cause;
  }
  return chain;
}

function describeOne(error: Error): DeadLetterError {
  return {
    name: error.name,
    code: "code" in error && typeof error.code === "string" ? error.code : undefined,
    message: error.message.slice(0, maxMessageLength),
    // Whoever sets Error.prepareStackTrace can make it anything.
    stack: typeof error.stack === "string" ? error.stack.slice(0, maxStackLength) : undefined,
  };
}
