// What a user's compiler must accept and refuse, with the declarations that are in the package.
import { MessagingError, isMessagingError, type ErrorCode } from "@postrider/core";

const code: ErrorCode = "USAGE_CLOSED";
// @ts-expect-error There is no such code.
const unknown: ErrorCode = "USAGE_NOT_THERE";
const error: unknown = new MessagingError(code, "The messaging is closed.");
export const retryable: boolean = isMessagingError(error, "USAGE_CLOSED")
  ? error.retryable
  : unknown === code;
