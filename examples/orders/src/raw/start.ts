import type { BrokerChoice } from "../wiring/choose.ts";
import { startMemoryRawClient } from "./memory.ts";
import { startRabbitmqRawClient } from "./rabbitmq.ts";
import { startRedisRawClient } from "./redis.ts";
import type { StartRawClient } from "./raw-client.ts";

/** The raw client of the broker that was chosen. */
export const startRawClient: StartRawClient = (broker, options) =>
  starts[broker.choice.kind](broker, options);

const starts: Readonly<Record<BrokerChoice["kind"], StartRawClient>> = {
  memory: startMemoryRawClient,
  rabbitmq: startRabbitmqRawClient,
  redis: startRedisRawClient,
};
