import type { Delivery } from "@postrider/core";
import { overDelivery, overDeliveries } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

export const settleFaults: readonly BrokenTransport[] = [
  {
    name: "never redelivers",
    fault: "hands each message over once and acknowledges it instead of giving it back",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        if (delivery.redelivered) {
          void delivery.settle({ kind: "ack" });
          return undefined;
        }
        return overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(settlement.kind === "dead-letter" ? settlement : { kind: "ack" }),
        });
      }),
  },
  {
    name: "acknowledges early",
    fault: "acknowledges each message as it hands it over",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        void delivery.settle({ kind: "ack" });
        return overDelivery(delivery, { settle: async () => undefined });
      }),
  },
  {
    name: "counts what is given back",
    fault: "counts a release as an attempt",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(
              settlement.kind === "release"
                ? { kind: "retry", delayMs: 0, attempt: delivery.attempt }
                : settlement,
            ),
        }),
      ),
  },
  {
    name: "ignores delays",
    fault: "delivers a retry at once, whatever delay was asked for",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(settlement.kind === "retry" ? { ...settlement, delayMs: 0 } : settlement),
        }),
      ),
  },
  {
    name: "settles over and over",
    fault: "takes every settlement after the first for a success",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        let settled = false;
        return overDelivery(delivery, {
          settle: async (settlement) => {
            if (settled) return;
            await delivery.settle(settlement);
            settled = true;
          },
        });
      }),
  },
  {
    name: "refuses a second settle",
    fault: "fails when a delivery is settled again, also in the same way",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        let settled = false;
        return overDelivery(delivery, {
          settle: async (settlement) => {
            if (settled) throw new Error("settled before");
            await delivery.settle(settlement);
            settled = true;
          },
        });
      }),
  },
  {
    name: "hands out what it keeps",
    fault: "delivers the very object again that a consumer may have changed",
    breaks: (inner) => {
      const kept = new Map<string, Delivery["message"]>();
      return overDeliveries(inner, (delivery) => {
        const id = delivery.message.attributes["id"] ?? "";
        const message = (delivery.redelivered ? kept.get(id) : undefined) ?? delivery.message;
        kept.set(id, message);
        return overDelivery(delivery, { message });
      });
    },
  },
  {
    name: "swallows dead letters",
    fault: "acknowledges a dead-lettered message without writing the letter",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(settlement.kind === "dead-letter" ? { kind: "ack" } : settlement),
        }),
      ),
  },
];
