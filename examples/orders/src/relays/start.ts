import { createMessaging, type Logger } from "@postrider/core";
import type { Broker } from "../wiring/brokers.ts";
import { started } from "../wiring/closers.ts";
import type { Database } from "../wiring/database.ts";

/** The relays of both services, apart from them: from each outbox to the broker. */
export interface Relays {
  close(): Promise<void>;
}

export interface RelaysOptions {
  readonly broker: Broker;
  readonly databases: Readonly<Record<"orders" | "shipping", Database>>;
  readonly logger: Logger;
}

/** How long a relay that was killed keeps others out, in milliseconds. */
const leaseMs = 1_000;

export function startRelays({ broker, databases, logger }: RelaysOptions): Promise<Relays> {
  return started(async (opened) => {
    for (const [service, { store }] of Object.entries(databases)) {
      const messaging = await createMessaging({
        source: `/services/${service}`,
        broker: broker.access(),
        store,
        relay: { leaseMs },
        logger,
      });
      opened.add(() => messaging.close());
    }
    return { close: opened.closeAll };
  });
}
