import { toError } from "../errors.ts";

/**
 * Anything thrown as an Error that can be looked at: what was thrown itself, if it is one. One whose parts throw when
 * they are read, or are no text, is replaced: whoever logs or records it must not fail on it.
 */
export function soundError(thrown: unknown): Error {
  try {
    const error = toError(thrown);
    if (canBeRead(error)) return error;
  } catch {
    // a proxy: not even its kind can be asked for
  }
  return replacement(thrown);
}

function canBeRead(error: Error): boolean {
  const { name, message, stack: _stack, cause: _cause } = error;
  if ("code" in error) void error.code;
  return typeof name === "string" && typeof message === "string";
}

function replacement(thrown: unknown): Error {
  const error = new Error(textOf(thrown, "message") ?? "An error was thrown that cannot be read");
  error.name = textOf(thrown, "name") ?? "UnreadableError";
  return error;
}

function textOf(thrown: unknown, part: "name" | "message"): string | undefined {
  try {
    const value = (thrown as Partial<Error>)[part];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
