import type { PublishOutcome } from "../contracts/transport.ts";
import { MessagingError, toMessagingError } from "../errors.ts";

/** What became of a message that was not confirmed. */
export type Unconfirmed = Exclude<PublishOutcome, { readonly status: "confirmed" }>;

/** How long after its deadline a transport may still answer before core answers in its place. */
export const graceMs = 250;

/**
 * How long after that the message keeps its room, while the transport has not answered: it is in memory all the time.
 * A transport that never answers breaks its contract; it must not shut the window for good, and what it loses stays
 * bounded by one window in this time.
 */
export const lateMs = 60_000;

/**
 * One outcome per message, whatever the transport does. It must answer each and never reject; where it does not,
 * nothing is known of the message.
 */
export async function outcomesOf(
  publish: () => Promise<readonly PublishOutcome[]>,
  count: number,
): Promise<readonly PublishOutcome[]> {
  let answered: readonly PublishOutcome[] = [];
  let missing = unanswered;
  try {
    const answer: unknown = await publish();
    if (Array.isArray(answer)) answered = answer;
  } catch (error) {
    missing = unknown(toMessagingError(error));
  }
  return Array.from({ length: count }, (_, index) => answered[index] ?? missing);
}

/** It may be with the broker, or not. */
export function unknown(error: MessagingError): Unconfirmed {
  return { status: "unknown", scope: "broker", error };
}

/** It was never sent. */
export function notSent(error: MessagingError): Unconfirmed {
  return { status: "rejected", scope: "broker", error };
}

export function noAnswer(what: string): MessagingError {
  return new MessagingError(
    "TRANSPORT_OUTCOME_UNKNOWN",
    `No answer from the broker for ${what} by the deadline, or before the close.`,
  );
}

/** What a signal ends before anything was sent. */
export function givenUp(what: string, reason: unknown): MessagingError {
  return new MessagingError("TRANSPORT_DEADLINE", `${what} was given up by its signal before it was sent.`, {
    cause: reason,
  });
}

const unanswered = unknown(
  new MessagingError("TRANSPORT_FAILED", "The transport gave no outcome for this message."),
);
