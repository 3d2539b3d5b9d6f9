import { type ErrorCode, MessagingError, type PublishOutcome } from "@postrider/core";
import { type BrokerSaid, saidBy } from "./amqp/said.ts";

export type Refused = Extract<PublishOutcome, { readonly status: "rejected" | "unknown" }>;

const codes: Readonly<Record<number, ErrorCode>> = {
  311: "TRANSPORT_TOO_LARGE",
  313: "TRANSPORT_UNROUTABLE",
  320: "TRANSPORT_UNAVAILABLE",
  402: "TRANSPORT_ACCESS_REFUSED",
  403: "TRANSPORT_ACCESS_REFUSED",
  404: "TRANSPORT_CHANNEL_MISSING",
  405: "TRANSPORT_TOPOLOGY_CONFLICT",
  406: "TRANSPORT_TOPOLOGY_CONFLICT",
  506: "TRANSPORT_FULL",
  530: "TRANSPORT_ACCESS_REFUSED",
  541: "TRANSPORT_FAILED",
};

const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ABORT_ERR",
]);

/** What amqplib threw, as an error with a code. `what` begins the sentence: "The queue 'x' could not be declared". */
export function toTransportError(thrown: unknown, what: string): MessagingError {
  if (thrown instanceof MessagingError) return thrown;
  const said = saidBy(thrown);
  return new MessagingError(codeOf(thrown, said), `${what}: ${explain(said)}`, {
    cause: thrown,
    ...(isUntrusted(thrown) && { retryable: false }),
  });
}

function codeOf(thrown: unknown, { replyCode, text }: BrokerSaid): ErrorCode {
  if (/message size \d+ is larger than/.test(text)) return "TRANSPORT_TOO_LARGE";
  // amqplib keeps the reason to itself when the server refuses the vhost.
  if (isVhostRefusal(text)) return "TRANSPORT_ACCESS_REFUSED";
  if (replyCode !== undefined) return codes[replyCode] ?? "TRANSPORT_FAILED";
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (typeof code === "string" && unreachable.has(code)) return "TRANSPORT_UNAVAILABLE";
  const gone = /clos|ended|Heartbeat timeout|abrupt|ETIMEDOUT|Socket/i.test(text);
  return gone ? "TRANSPORT_UNAVAILABLE" : "TRANSPORT_FAILED";
}

function isVhostRefusal(text: string): boolean {
  return text.startsWith("Expected ConnectionOpenOk; got <ConnectionClose");
}

/** A certificate that is not trusted today will not be tomorrow. */
function isUntrusted(thrown: unknown): boolean {
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" && /CERT|SELF_SIGNED|LEAF_SIGNATURE/.test(code);
}

/** The broker's own words without amqplib's wrapping, and what to do about them. */
function explain({ text }: BrokerSaid): string {
  if (isVhostRefusal(text)) return "the vhost does not exist, or the user may not use it";
  const words = /with message "(.*)"$/s.exec(text)?.[1] ?? text;
  const differs = /inequivalent arg '([^']*)' for (\w+) '([^']*)'.*?received (.*) but current is (.*)$/s.exec(
    words,
  );
  if (differs === null) return words;
  const [, argument, kind, name, received, current] = differs;
  return (
    `the ${kind} '${name}' exists with another '${argument}' (asked for ${received}, the broker has ${current}). ` +
    `Delete it when it is empty, or set the option that differs, or use topology: "check"`
  );
}

/** True where trying other hosts, or again, cannot help. */
export function isAccessRefused(thrown: unknown): boolean {
  const { replyCode, text } = saidBy(thrown);
  return replyCode === 403 || /ACCESS[-_]REFUSED/.test(text);
}

/** True when the thing asked for is not there. */
export function isMissing(thrown: unknown): boolean {
  return saidBy(thrown).replyCode === 404;
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
    `The RabbitMQ transport is not connected: call connect() before you ${what}`,
  );
}

export function unavailableError(cause?: unknown): MessagingError {
  return new MessagingError(
    "TRANSPORT_UNAVAILABLE",
    "The connection to RabbitMQ is down; it is opened again",
    {
      cause,
    },
  );
}

export function subscriptionLost(group: string, why: string, cause?: unknown): MessagingError {
  return new MessagingError(
    "TRANSPORT_SUBSCRIPTION_LOST",
    `The subscription of '${group}' was interrupted (${why}); it is bound again`,
    { cause, context: { group } },
  );
}

/** Why a delivery is no longer ours. */
export type LossReason = "closed" | "outage";

const losses: Readonly<Record<LossReason, string>> = {
  closed: "The subscription was closed, and the message given back",
  outage: "The channel to RabbitMQ is gone: the message comes again",
};

export function deliveryLostError(reason: LossReason): MessagingError {
  return new MessagingError("TRANSPORT_DELIVERY_LOST", losses[reason], { context: { reason } });
}
