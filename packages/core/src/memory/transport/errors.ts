import type { PublishOutcome } from "../../contracts/transport.ts";
import { MessagingError, toMessagingError, type ErrorCode } from "../../errors.ts";
import type { LossReason } from "../broker/member.ts";
import { BrokerRefusal, type RefusalReason } from "../broker/refusal.ts";

type Refused = Extract<PublishOutcome, { readonly status: "rejected" | "unknown" }>;

const codes: Readonly<Record<RefusalReason, { readonly code: ErrorCode; readonly scope: Refused["scope"] }>> =
  {
    stopped: { code: "TRANSPORT_UNAVAILABLE", scope: "broker" },
    "message-too-large": { code: "TRANSPORT_TOO_LARGE", scope: "message" },
    "queue-full": { code: "TRANSPORT_FULL", scope: "broker" },
    "dead-letters-full": { code: "TRANSPORT_FULL", scope: "broker" },
    "channel-missing": { code: "TRANSPORT_CHANNEL_MISSING", scope: "message" },
    "ordering-conflict": { code: "TRANSPORT_TOPOLOGY_CONFLICT", scope: "broker" },
  };

/** What the broker threw, as an error with a code. */
export function toTransportError(thrown: unknown): MessagingError {
  if (!(thrown instanceof BrokerRefusal)) return toMessagingError(thrown);
  return new MessagingError(codes[thrown.reason].code, thrown.message, { cause: thrown });
}

/** What the broker threw, as the outcome of a publish: it certainly has no message that it threw at. */
export function toOutcome(thrown: unknown): Refused {
  const scope = thrown instanceof BrokerRefusal ? codes[thrown.reason].scope : "message";
  return rejected(scope, toTransportError(thrown));
}

export function rejected(scope: Refused["scope"], error: MessagingError): Refused {
  return { status: "rejected", scope, error };
}

export function closedError(what: string): MessagingError {
  return new MessagingError(
    "USAGE_CLOSED",
    `The memory transport is not connected: call connect() before you ${what}`,
  );
}

export function unavailableError(): MessagingError {
  return new MessagingError("TRANSPORT_UNAVAILABLE", "The memory broker is stopped: start() it again");
}

const losses: Readonly<Record<LossReason, string>> = {
  closed: "The subscription was closed, and the message given back",
  outage: "The connection to the memory broker is gone: the message comes again",
  cleared: "The memory broker was cleared, and the message with it",
};

export function deliveryLostError(reason: LossReason): MessagingError {
  return new MessagingError("TRANSPORT_DELIVERY_LOST", losses[reason], { context: { reason } });
}
