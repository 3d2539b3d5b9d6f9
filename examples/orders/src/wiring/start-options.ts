import type { Logger } from "@postrider/core";
import type { Broker } from "./brokers.ts";
import type { Database } from "./database.ts";

/** What every service of this example is started with. None of it is closed by the service. */
export interface StartOptions {
  readonly broker: Broker;
  readonly database: Database;
  readonly logger: Logger;
  /** Whether the service relays its outbox itself, or a process of its own does. */
  readonly relay: "inside" | "apart";
}
