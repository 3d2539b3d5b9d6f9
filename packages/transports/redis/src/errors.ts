import { MessagingError, type PublishOutcome } from "@postrider/core";
import { codeOf, textOf, wordOf } from "./streams/said.ts";

export type Refused = Extract<PublishOutcome, { readonly status: "rejected" | "unknown" }>;

/** What ioredis threw, as an error with a code. `what` begins the sentence: "The group 'x' cannot be bound". */
export function toTransportError(thrown: unknown, what: string): MessagingError {
  if (thrown instanceof MessagingError) return thrown;
  return new MessagingError(codeOf(thrown), `${what}: ${explain(thrown)}`, {
    cause: withoutArguments(thrown),
    ...(isUntrusted(thrown) && { retryable: false }),
  });
}

/** A certificate that is not trusted today will not be tomorrow. */
function isUntrusted(thrown: unknown): boolean {
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" && /CERT|SELF_SIGNED|LEAF_SIGNATURE/.test(code);
}

const advice: Readonly<Record<string, string>> = {
  OOM: "it has used up its maxmemory. Consumers free it by acknowledging; give it more, or retain less",
  MISCONF: "it cannot save to disk, and takes no writes until it can",
  WRONGTYPE:
    "a key of this name holds something else than a stream. Use another namePrefix, or delete the key",
  NOGROUP: "the stream or its group was deleted",
};

function explain(thrown: unknown): string {
  return advice[wordOf(thrown)] ?? textOf(thrown);
}

/** ioredis hangs the whole command on its errors, with payloads and passwords among the arguments. */
function withoutArguments(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !("command" in thrown)) return thrown;
  const plain = new Error(thrown.message);
  plain.name = thrown.name;
  if (thrown.stack !== undefined) plain.stack = thrown.stack;
  return plain;
}

/** True where trying other hosts, or again, cannot help. */
export function isAccessRefused(thrown: unknown): boolean {
  return codeOf(thrown) === "TRANSPORT_ACCESS_REFUSED";
}

/** True when the stream or the group asked for is not there. */
export function isMissing(thrown: unknown): boolean {
  return codeOf(thrown) === "TRANSPORT_CHANNEL_MISSING";
}

export function rejected(scope: Refused["scope"], error: MessagingError): Refused {
  return { status: "rejected", scope, error };
}

export function unknownOutcome(error: MessagingError): Refused {
  return { status: "unknown", scope: "broker", error };
}

export function closedError(what: string): MessagingError {
  return new MessagingError(
    "USAGE_CLOSED",
    `The Redis transport is not connected: call connect() before you ${what}`,
  );
}

export function unavailableError(cause?: unknown): MessagingError {
  return new MessagingError("TRANSPORT_UNAVAILABLE", "The connection to Redis is down; it is opened again", {
    cause: withoutArguments(cause),
  });
}

export function subscriptionLost(group: string, why: string, cause?: unknown): MessagingError {
  return new MessagingError(
    "TRANSPORT_SUBSCRIPTION_LOST",
    `The subscription of '${group}' was interrupted (${why}); it is bound again`,
    { cause: withoutArguments(cause), context: { group } },
  );
}

/** Why a delivery is no longer ours. */
export type LossReason = "closed" | "outage" | "lease";

const losses: Readonly<Record<LossReason, string>> = {
  closed: "The subscription was closed, and the message given back",
  outage: "The connection to Redis is gone: the message comes again",
  lease: "The lease ran out, and another member has the message",
};

export function deliveryLostError(reason: LossReason): MessagingError {
  return new MessagingError("TRANSPORT_DELIVERY_LOST", losses[reason], { context: { reason } });
}
