import { MessagingError, type MessagingErrorOptions } from "../errors.ts";
import { Reject, RetryAfter } from "../failure/control.ts";

/** A call that failed and may be made again: a consumer's retry policy decides when. Code HANDLER_FAILED. */
export class HttpTargetError extends MessagingError {
  /** Undefined when no answer came: the other side may have done it all the same. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, options: MessagingErrorOptions = {}) {
    super("HANDLER_FAILED", message, { ...options, context: { ...options.context, status } });
    this.name = "HttpTargetError";
    this.status = status;
  }
}

/** What an answer that is no success asks for. */
export interface Refusal {
  /** Host only: path and query may be secret. */
  readonly host: string;
  readonly status: number;
  /** What `Retry-After` said. */
  readonly retryAfterMs: number | undefined;
}

/**
 * From an answer to what becomes of the message. `RetryAfter` where the other side named a wait; `HttpTargetError`
 * where the same call can succeed later; `Reject` where it cannot.
 */
export function errorOf({ host, status, retryAfterMs }: Refusal): MessagingError {
  const said = `${host} answered ${status}`;
  if (!isPassing(status))
    return new Reject(`${said}${hintOf(status)}: the same call would be refused again.`);
  if (retryAfterMs === undefined) return new HttpTargetError(`${said}.`, status, { context: { host } });
  return new RetryAfter(retryAfterMs, {
    reason: `${said} and asked for a wait of ${retryAfterMs} ms.`,
    cause: new HttpTargetError(`${said}.`, status, { context: { host } }),
  });
}

/** 408 and 425 say "later" without being a fault of ours, 429 "slower"; of the 5xx only those that name a lack pass by. */
function isPassing(status: number): boolean {
  if (status === 408 || status === 425 || status === 429) return true;
  return status >= 500 && status !== 501 && status !== 505;
}

function hintOf(status: number): string {
  if (status >= 300 && status < 400) return ", a redirect, which is not followed: give the final URL";
  if (status === 410) return ", gone: it wants no more events";
  if (status === 415) return ", and does not take this content mode";
  return "";
}
