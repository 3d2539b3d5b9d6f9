import { MessagingError, type MessagingErrorOptions } from "../errors.ts";

type Context = NonNullable<MessagingErrorOptions["context"]>;

/** All problems of one event's attributes together. Problems name attributes and hold none of their values. */
export function invalidEvent(
  what: string,
  problems: readonly string[],
  context: Context = {},
  cause?: unknown,
): MessagingError {
  return new MessagingError(
    "CONTRACT_INVALID_EVENT",
    `${what} is no valid CloudEvent of version 1.0: ${problems.join("; ")}`,
    { context: { ...context, problems }, cause },
  );
}

export function undecodable(why: string, options?: MessagingErrorOptions): MessagingError {
  return new MessagingError("CONTRACT_UNDECODABLE", `The message cannot be decoded: ${why}`, options);
}
