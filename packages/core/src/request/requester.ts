import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import { createAbortWatch } from "../abort-watch.ts";
import { assertCapabilities } from "../broker/assert-capabilities.ts";
import type { Delivery, TransportSubscription } from "../contracts/subscription.ts";
import type { Transport } from "../contracts/transport.ts";
import { decode, type Decoded } from "../envelope/decode.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import type { DefinitionParts } from "../event/definition-parts.ts";
import { partsOfDraft, type EventDraft, type RequestDraft } from "../event/draft.ts";
import { validate } from "../event/validate.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../options/names.ts";
import { createAlive } from "../publish/alive.ts";
import type { PublishOptions } from "../publish/publisher.ts";
import { shortText } from "../short-text.ts";
import { within } from "../within.ts";
import { addressed, problemsOfOwner, refuseWaitingInside, replyChannel, replyError } from "./address.ts";

/*
 * The asking side: one subscription for all answers of this process, made with the first request, and a table of those
 * who wait. An answer that nobody waits for any more is dropped.
 */

/** What one request decides. */
export interface RequestOptions {
  /** The consumer that owns the command, or answers the query: its name. */
  readonly to: string;
  /** How long to wait for the answer, in milliseconds, sending included. */
  readonly timeoutMs: number;
  /** Ordering key; goes before the draft's and the definition's. */
  readonly key?: string | undefined;
  /** Gives up waiting; the owner may work on it all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** Asks, and waits for answers. */
export interface Requester {
  /**
   * Asks the one consumer that owns a command or query, and resolves with what its handler returned, checked by the
   * definition's `reply`; with undefined for a command that has none. Calls may overlap; one answer counts, later ones
   * and late ones are dropped. Keeps the process alive until then.
   *
   * @throws MessagingError REQUEST_TIMED_OUT when no answer came in time: the owner may have done it; REQUEST_REFUSED
   * when the owner gave it up for good, with its error's code in the context; USAGE_INSIDE_TRANSACTION inside a unit of
   * work; CONFIG_CAPABILITY_MISSING where the broker has no `requestReply`; USAGE_CLOSED; ValidationError
   * (CONTRACT_INVALID_DATA) for the data, and for an answer that does not match; PublishError when it could not be sent;
   * OptionsError (CONFIG_INVALID); the reason of the signal.
   */
  request<Reply>(draft: RequestDraft<Reply>, options: RequestOptions): Promise<Reply>;
  /** Those who wait get `leftMs`; then they are told that nobody listens any more. */
  close(leftMs: number): Promise<void>;
}

export interface RequesterParts {
  readonly transport: Transport;
  readonly insideUnit: () => boolean;
  /** Sends a draft; resolves when the broker confirmed. */
  readonly publish: (draft: EventDraft, options: PublishOptions) => Promise<void>;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One who waits. */
interface Waiting {
  hear(answer: Decoded): void;
  fail(error: unknown): void;
}

/** Answers that are taken from the broker and not yet told. */
const maxInFlight = 1_000;

export function createRequester(parts: RequesterParts): Requester {
  const { transport, publish, newId, clock, logger } = parts;
  const address = newId();
  const waiting = new Map<string, Waiting>();
  const alive = createAlive();
  const onAbort = createAbortWatch();
  let subscription: Promise<TransportSubscription> | undefined;
  let closed = false;
  let tellEmpty = (): void => undefined;

  const listen = (): Promise<TransportSubscription> => {
    subscription ??= transport.consumer
      .subscribe(
        {
          group: replyChannel,
          channels: [{ channel: replyChannel, types: [address] }],
          ordering: "none",
          members: "each",
          startAt: "new",
          maxInFlight,
          onFault: ({ code, message }) =>
            logger.warn("The subscription for answers had a fault", { code, reason: message }),
        },
        take,
      )
      .catch((error: unknown) => {
        subscription = undefined; // the next request tries again
        throw error;
      });
    return subscription;
  };

  const take = (delivery: Delivery): void => {
    // Not taken, it comes again, and nobody waits for it then.
    delivery.settle({ kind: "ack" }).catch(() => undefined);
    const decoded = decodedOf(delivery);
    const { causationid } = decoded?.message ?? {};
    const one = causationid === undefined ? undefined : waiting.get(causationid);
    if (decoded !== undefined) one?.hear(decoded);
  };

  /** Settles with the first of: an answer, the end of the time, the signal. */
  const wait = (id: string, definition: DefinitionParts, { timeoutMs, signal, to }: RequestOptions) =>
    new Promise<unknown>((resolve, reject) => {
      const end = (): void => {
        cancel();
        unwatch();
        waiting.delete(id);
        if (waiting.size === 0) tellEmpty();
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
      };
      const unwatch = onAbort(signal, () => fail(signal?.reason));
      const cancel = clock.schedule(timeoutMs, () => fail(timedOut(definition.type, to, timeoutMs)));
      const hear = (decoded: Decoded): void => {
        end();
        replyIn(definition, to, decoded).then(resolve, reject);
      };
      waiting.set(id, { hear, fail });
    });

  const assertTaking = (): void => {
    if (closed) throw closedError();
  };

  return {
    request: async <Reply>(draft: RequestDraft<Reply>, options: RequestOptions) => {
      refuseWaitingInside(parts.insideUnit());
      assertRequestOptions(options);
      assertCapabilities(transport, ["requestReply"], "request");
      const { to, timeoutMs, key, signal } = options;
      signal?.throwIfAborted();
      assertTaking();
      const id = newId();
      const sent = addressed(draft, "request", ["query", "command"], { to, key, asker: { id, address } });
      const deadlineAtMs = clock.monotonicMs() + timeoutMs;
      const answer = wait(id, partsOfDraft(draft, "request", draft.kind).definition, options);
      const send = async (): Promise<void> => {
        await listen();
        await publish(sent, { deadlineMs: Math.max(1, deadlineAtMs - clock.monotonicMs()), signal });
      };
      send().catch((error: unknown) => waiting.get(id)?.fail(error));
      alive.begin();
      try {
        // The handler of the asked consumer decides what comes, and the schema has said that it is a Reply.
        return (await answer) as Reply;
      } finally {
        alive.end();
      }
    },
    close: async (leftMs) => {
      closed = true;
      if (waiting.size > 0) await within(clock, leftMs, new Promise<void>((tell) => (tellEmpty = tell)));
      for (const one of waiting.values()) one.fail(closedError());
      await (await subscription?.catch(() => undefined))?.close();
    },
  };
}

function decodedOf(delivery: Delivery): Decoded | undefined {
  try {
    return decode(delivery.message);
  } catch {
    return undefined; // no answer of ours: who waits goes on waiting
  }
}

async function replyIn(
  definition: DefinitionParts,
  to: string,
  { message, extensions }: Decoded,
): Promise<unknown> {
  const code = extensions[replyError];
  if (code !== undefined) throw refused(definition.type, to, String(code), message.data);
  if (definition.reply === undefined) return undefined;
  return validate(`the answer to ${definition.type}`, definition.reply, message.data);
}

function refused(type: string, to: string, code: string, said: unknown): MessagingError {
  const words = typeof said === "object" && said !== null && "message" in said ? String(said.message) : "";
  return new MessagingError(
    "REQUEST_REFUSED",
    `'${to}' gave '${type}' up with ${code}: ${shortText(words, 512)}`,
    { context: { type, to, code } },
  );
}

function timedOut(type: string, to: string, timeoutMs: number): MessagingError {
  return new MessagingError(
    "REQUEST_TIMED_OUT",
    `'${to}' did not answer '${type}' within ${timeoutMs} ms. It may have worked on it, or may yet.`,
    { context: { type, to, timeoutMs } },
  );
}

function closedError(): MessagingError {
  return new MessagingError("USAGE_CLOSED", "This messaging is closed: nobody hears of answers any more.");
}

const names: OptionNames<RequestOptions> = { to: true, timeoutMs: true, key: true, signal: true };

function assertRequestOptions(options: RequestOptions): void {
  if (!isOptions(options)) throw new OptionsError("request", [noObject]);
  const { to, timeoutMs, signal } = options;
  const problems = [...problemsOfNames(options, names), ...problemsOfOwner(to)];
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < Infinity))
    problems.push("timeoutMs: must be more than 0 milliseconds");
  if (signal !== undefined && !(signal instanceof AbortSignal))
    problems.push("signal: must be an AbortSignal");
  if (problems.length > 0) throw new OptionsError("request", problems);
}
