import { MessagingError } from "../errors.ts";

/** Thrown by a handler: this message will never work, put it into the dead letters now, whatever the retry policy says. */
export class Reject extends MessagingError {
  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super("HANDLER_REJECTED", reason, options);
    this.name = "Reject";
  }
}

/** Thrown by a handler: try again after this time instead of the policy's. Counts as an attempt like any failure. */
export class RetryAfter extends MessagingError {
  /** Milliseconds. */
  readonly delayMs: number;

  constructor(
    delayMs: number,
    options: { readonly reason?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super("HANDLER_FAILED", options.reason ?? `The handler asked to be called again in ${delayMs} ms`, {
      cause: options.cause,
    });
    this.name = "RetryAfter";
    this.delayMs = Math.max(0, delayMs);
  }
}
