import type { Delivery, Settlement } from "../../contracts/subscription.ts";
import { MessagingError, OptionsError } from "../../errors.ts";
import type { Lease } from "../broker/member.ts";
import type { BrokerServer } from "../broker/server.ts";
import type { BrokerSettlement } from "../broker/settle.ts";
import { deliveryLostError, toTransportError } from "./errors.ts";
import { fromBroker, originOf, toBroker } from "./mapping.ts";

/** One lease as core sees it. */
export function createDelivery(server: BrokerServer, lease: Lease): Delivery {
  const { message, attempt, redelivered } = lease.entry;
  const lost = new AbortController();
  let settled: { readonly kind: Settlement["kind"]; readonly taken: Promise<void> } | undefined;

  lease.onLost = (reason) => lost.abort(deliveryLostError(reason));

  const send = async (settlement: BrokerSettlement): Promise<void> => {
    try {
      await server.request(() => server.settle(lease, settlement));
    } catch (error) {
      // Nothing happened at the broker: the delivery can be settled in another way.
      settled = undefined;
      throw toTransportError(error);
    }
  };

  return {
    message: fromBroker(message),
    attempt,
    redelivered,
    origin: originOf(message),
    signal: lost.signal,
    settle: async (settlement) => {
      if (settled !== undefined) {
        if (settled.kind === settlement.kind) return settled.taken;
        throw alreadySettled(settled.kind, settlement.kind);
      }
      if (!lease.live) return;
      const sendable = toBrokerSettlement(settlement);
      settled = { kind: settlement.kind, taken: send(sendable) };
      return settled.taken;
    },
  };
}

function toBrokerSettlement(settlement: Settlement): BrokerSettlement {
  if (settlement.kind === "dead-letter") return { kind: "dead-letter", letter: toBroker(settlement.letter) };
  if (settlement.kind !== "retry") return settlement;
  const problems = [
    ...(isCount(settlement.delayMs) ? [] : [`delayMs: must be a number from 0, is ${settlement.delayMs}`]),
    ...(isCount(settlement.attempt) ? [] : [`attempt: must be a number from 0, is ${settlement.attempt}`]),
  ];
  if (problems.length > 0) throw new OptionsError("Settlement 'retry'", problems);
  return settlement;
}

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function alreadySettled(before: Settlement["kind"], now: Settlement["kind"]): MessagingError {
  return new MessagingError(
    "USAGE_ALREADY_SETTLED",
    `This delivery was settled with '${before}' before, and cannot be settled with '${now}'`,
  );
}
