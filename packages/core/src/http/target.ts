import type { CloudEventLike } from "../envelope/cloud-event-like.ts";
import { toError } from "../errors.ts";
import { errorOf, HttpTargetError } from "./errors.ts";
import { idempotencyKey } from "./idempotency-key.ts";
import { resolveHttpTarget, type HttpTargetOptions, type ResolvedHttpTarget } from "./options.ts";
import { requestOf } from "./request.ts";
import { retryAfterMs } from "./retry-after.ts";

/*
 * An event on its way to somebody who is not on the broker: a webhook. Called from a consumer's handler, what it throws
 * is what a handler says: try again, try again then, never. The call is outside of every transaction: it may be made
 * twice, and the idempotency key is what the other side knows the second one by.
 */

/** What one call decides. */
export interface SendOptions {
  /** Gives the call up, as the handler's own `signal` does. */
  readonly signal?: AbortSignal | undefined;
}

/** Where events are posted to. */
export interface HttpTarget {
  /**
   * Posts one event; resolves when the other side answered with success (2xx). Calls may overlap. Redirects are not
   * followed, and answers are not read.
   *
   * @throws RetryAfter when the answer names a wait (429, 503, and what else may pass by) in `Retry-After`.
   * @throws HttpTargetError for 408, 425, 429 and 5xx without one, for no answer in time, and for no connection.
   * @throws Reject for every other answer: the same call would be refused again.
   * @throws MessagingError CONTRACT_INVALID_EVENT, CONTRACT_NOT_SERIALIZABLE, before anything is sent.
   * @throws the reason of the signal.
   */
  send(event: CloudEventLike, options?: SendOptions): Promise<void>;
}

/**
 * A target that takes CloudEvents over HTTP.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function httpTarget(options: HttpTargetOptions): HttpTarget {
  const target = resolveHttpTarget(options);
  return {
    send: async (event, { signal } = {}) => {
      signal?.throwIfAborted();
      const { status, retryAfter } = await post(target, event, signal);
      if (status >= 200 && status < 300) return;
      const wait = retryAfterMs(retryAfter, target.clock, target.maxRetryAfterMs);
      throw errorOf({ host: target.url.host, status, retryAfterMs: wait });
    },
  };
}

async function post(target: ResolvedHttpTarget, event: CloudEventLike, signal: AbortSignal | undefined) {
  const { headers: own, body } = requestOf(event, target.mode);
  const headers = new Headers(target.headers);
  for (const [name, value] of own) headers.set(name, value);
  if (target.idempotencyHeader !== false) headers.set(target.idempotencyHeader, idempotencyKey(event));
  const late = AbortSignal.timeout(target.timeoutMs);
  try {
    const response = await target.fetch(target.url, {
      method: "POST",
      redirect: "manual",
      headers,
      body: body ?? null,
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    });
    await response.body?.cancel(); // the connection is free for the next call
    return { status: response.status, retryAfter: response.headers.get("retry-after") };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const what = late.aborted
      ? `did not answer within ${target.timeoutMs} ms`
      : "could not be reached, or hung up";
    throw unanswered(target.url, what, error);
  }
}

/** What `fetch` says stays with the cause: it may name the whole URL. */
function unanswered({ host }: URL, what: string, cause: unknown): HttpTargetError {
  return new HttpTargetError(`${host} ${what}.`, undefined, { cause: toError(cause), context: { host } });
}
