import type { Delivery } from "../../contracts/subscription.ts";
import { isMessagingError } from "../../errors.ts";
import type { ResolvedConsumer } from "../definition.ts";
import { createReceive } from "./receive.ts";
import type { Settler } from "../settle/settle.ts";
import type { End, Work } from "../work.ts";

export interface IntakeParts {
  readonly consumer: ResolvedConsumer;
  readonly settler: Settler;
  /** Takes what has a handler. */
  readonly accept: (work: Work) => void;
}

/**
 * The first decision about a delivery. Resolves when it is settled here, or accepted. Only what cannot be read is put
 * aside; a type that nobody handles is not a fault of the message.
 */
export function createIntake({
  consumer,
  settler,
  accept,
}: IntakeParts): (delivery: Delivery) => Promise<void> {
  const receive = createReceive(consumer);

  const unhandled = (delivery: Delivery, type: string): Promise<End> => {
    if (consumer.unhandled === "ack") return settler.ack(delivery, "unhandled");
    const error = new Error(`Nobody in '${consumer.name}' handles '${type}'`);
    return settler.deadLetter(delivery, facts("unhandled-type", delivery, error));
  };
  const bad = (delivery: Delivery, error: Error): Promise<End> => {
    const reason = isMessagingError(error, "CONTRACT_INVALID_EVENT") ? "invalid" : "undecodable";
    return settler.deadLetter(delivery, facts(reason, delivery, error));
  };

  return async (delivery) => {
    const received = receive(delivery);
    switch (received.kind) {
      case "work":
        return accept(received.work);
      case "ignored":
        return void (await settler.ack(delivery, "handled"));
      case "unhandled":
        return void (await unhandled(delivery, received.type));
      case "bad":
        return void (await bad(delivery, received.error));
    }
  };
}

function facts<R>(reason: R, delivery: Delivery, error: Error) {
  return { reason, attempts: delivery.attempt, error, firstFailedAt: undefined };
}
