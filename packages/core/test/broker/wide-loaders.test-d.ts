import { createMessaging, memoryDriver, memoryBroker, type TransportLoaders } from "@postrider/core";

const transports: TransportLoaders = { memory: async () => ({ transport: memoryDriver(memoryBroker()) }) };

// A map whose names only the configuration knows.
export const byUrl = (url: string | undefined) =>
  createMessaging({ source: "/s", broker: { url, transports } });
