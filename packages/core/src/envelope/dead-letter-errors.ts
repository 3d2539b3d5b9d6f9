import type { DeadLetterError } from "../contracts/dead-letter.ts";
import { asciiJson, cutText } from "./header-text.ts";

/** Bounds of the error chain in one header, in bytes of ASCII JSON. */
export const errorLimits = {
  chain: 8,
  /** Name and code of one error, each. */
  nameBytes: 128,
  messageBytes: 1024,
  stackBytes: 4096,
  /** The whole header. Names and messages always fit; stacks share what is left, outermost first. */
  totalBytes: 12_288,
} as const;

/** Shorter pieces of a stack say nothing. */
const minStackBytes = 128;

/** A chain of errors as a header value: JSON, ASCII, bounded. */
export function errorsText(errors: readonly DeadLetterError[]): string {
  const plain = errors.slice(0, errorLimits.chain).map((error) => ({
    name: cutText(error.name, errorLimits.nameBytes),
    code: error.code === undefined ? undefined : cutText(error.code, errorLimits.nameBytes),
    message: cutText(error.message, errorLimits.messageBytes),
  }));
  let room = errorLimits.totalBytes - asciiJson(plain).length;
  const full = plain.map((error, index) => {
    const allowed = Math.min(errorLimits.stackBytes, room - stackMemberBytes);
    const whole = errors[index]?.stack;
    if (whole === undefined || allowed < minStackBytes) return error;
    const stack = cutText(whole, allowed);
    room -= asciiJson(stack).length - 2 + stackMemberBytes;
    return { ...error, stack };
  });
  return asciiJson(full);
}

const stackMemberBytes = ',"stack":""'.length;

/** Undefined when the text is not what `errorsText` makes. */
export function errorsOfText(text: string): readonly DeadLetterError[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(json)) return undefined;
  const errors = json.map(errorOf);
  return errors.every((error) => error !== undefined) ? errors : undefined;
}

function errorOf(json: unknown): DeadLetterError | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { name, code, message, stack } = json as Partial<Record<keyof DeadLetterError, unknown>>;
  if (typeof name !== "string" || typeof message !== "string") return undefined;
  return {
    name,
    code: typeof code === "string" ? code : undefined,
    message,
    stack: typeof stack === "string" ? stack : undefined,
  };
}
