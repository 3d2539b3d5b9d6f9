import { createMessaging, defineConsumer, type DeadLetter, type Logger } from "@postrider/core";
import { OrderPlaced } from "../contracts/order-placed.ts";
import type { Broker } from "../wiring/brokers.ts";
import { started } from "../wiring/closers.ts";
import type { Plan } from "./plan.ts";

/** Listens at the broker, beside the services: what was published, and what was put aside. */
export interface Audit {
  /** Distinct events of this run, the poisoned order's left out. */
  published(): number;
  /** The dead letter of this order. */
  letterOf(orderId: string | undefined): PutAside | undefined;
  close(): Promise<void>;
}

/** A dead letter in a few words. */
export interface PutAside {
  readonly orderId: string;
  readonly reason: DeadLetter["reason"];
  readonly message: string;
  readonly attempts: number;
}

const maxLetters = 1_000;

/** Resolves when its group is bound: it counts every event that is published later. */
export function startAudit(broker: Broker, plan: Plan, logger: Logger): Promise<Audit> {
  return started(async (opened) => {
    const published = new Set<string>();
    const letters = new Map<string, PutAside>();
    const messaging = await createMessaging({ source: "/services/audit", broker: broker.access(), logger });
    opened.add(() => messaging.close());
    await messaging.consume(
      // It counts distinct ids by itself, and is to see every copy.
      defineConsumer("audit", { inbox: "none" }).on(OrderPlaced, ({ source, id, data: { reference } }) => {
        if (reference.startsWith(plan.referencePrefix) && reference !== plan.poisonedReference)
          published.add(`${source}#${id}`);
      }),
    );
    // Reading a dead letter takes it away from the broker. A real service would rather keep it until somebody decides.
    await messaging.consumeDeadLetters("shipping", (letter) => {
      const aside = inWords(letter);
      if (letters.size < maxLetters) letters.set(aside.orderId, aside);
    });
    return {
      published: () => published.size,
      letterOf: (orderId) => (orderId === undefined ? undefined : letters.get(orderId)),
      close: opened.closeAll,
    };
  });
}

function inWords({ reason, errors, attempts, message }: DeadLetter): PutAside {
  return {
    orderId: message.attributes["partitionkey"] ?? "",
    reason,
    message: errors[0]?.message ?? "",
    attempts,
  };
}
