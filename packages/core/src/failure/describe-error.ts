import type { DeadLetterError } from "../contracts/dead-letter.ts";
import { shortText } from "../short-text.ts";
import { soundError } from "./sound-error.ts";

const maxCauses = 8;
const maxNameLength = 128;
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
    const cause = causeOf(error);
    if (cause === undefined) break;
    next = cause;
  }
  return chain;
}

/** Of other things than errors and text there is nothing to tell; what was thrown instead of an error is its cause, too. */
function causeOf({ cause }: Error): unknown {
  try {
    return cause instanceof Error || typeof cause === "string" ? cause : undefined;
  } catch {
    return undefined; // a proxy that is revoked
  }
}

function describeOne(error: Error): DeadLetterError {
  return {
    name: shortText(error.name, maxNameLength),
    code:
      "code" in error && typeof error.code === "string" ? shortText(error.code, maxNameLength) : undefined,
    message: shortText(error.message, maxMessageLength),
    // Whoever sets Error.prepareStackTrace can make it anything.
    stack: typeof error.stack === "string" ? shortText(error.stack, maxStackLength) : undefined,
  };
}
