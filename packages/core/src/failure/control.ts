import { MessagingError, OptionsError } from "../errors.ts";

const noTime = "delayMs: must be a finite number of milliseconds";

/** Thrown by a handler: this message will never work, put it into the dead letters now, whatever the retry policy says. */
export class Reject extends MessagingError {
  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super("HANDLER_REJECTED", reason, options);
    this.name = "Reject";
  }
}

/**
 * Thrown by a handler: try again after this time instead of the policy's. Counts as an attempt like any failure. A time
 * that is over already counts as none.
 */
export class RetryAfter extends MessagingError {
  /** Milliseconds, from 0. */
  readonly delayMs: number;

  /** @throws OptionsError (CONFIG_INVALID) for a `delayMs` that is no finite number. */
  constructor(
    delayMs: number,
    options: { readonly reason?: string | undefined; readonly cause?: unknown } = {},
  ) {
    if (!Number.isFinite(delayMs)) throw new OptionsError("RetryAfter", [noTime]);
    super("HANDLER_FAILED", options.reason ?? `The handler asked to be called again in ${delayMs} ms`, {
      cause: options.cause,
    });
    this.name = "RetryAfter";
    this.delayMs = Math.max(0, delayMs);
  }
}
