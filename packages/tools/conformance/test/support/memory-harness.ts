import { memory, memoryBroker, memoryStore } from "@postrider/core";
import type { MemoryTransport, MemoryTx } from "@postrider/core";
import type { RawMessage, StoreDatabase, StoreHarness, TransportHarness } from "../../src/index.ts";

const maxMessageBytes = 128 * 1024;

/** A broker in this process that refuses channels nobody created, and everything a harness can give for it. */
export function memoryTransportHarness(): TransportHarness<MemoryTransport> {
  const broker = memoryBroker({ maxMessageBytes });
  const elsewhere = memoryBroker({ maxMessageBytes });
  let channels = 0;
  return {
    name: "memory",
    capabilities: memory({ broker }).capabilities,
    create: async () => memory({ broker, missingChannel: "reject" }),
    createElsewhere: async () => memory({ broker: elsewhere }),
    createUnreachable: async () => {
      const stopped = memoryBroker();
      stopped.stop();
      return memory({ broker: stopped });
    },
    channel: () => {
      const channel = `com.example.channel-${(channels += 1)}`;
      broker.createChannel(channel);
      return channel;
    },
    undeclaredChannel: { name: () => "com.example.nowhere", outcome: "TRANSPORT_CHANNEL_MISSING" },
    cutConnection: async (transport) => transport.cut(),
    crash: async (transport) => transport.crash(),
    stopBroker: async () => broker.stop(),
    startBroker: async () => broker.start(),
    rawPublish: async ({ channel, headers, body }) =>
      broker.inject(channel, { headers: textsOf(headers), body }),
  };
}

/** This broker keeps one text per header name: that is what a client of it can send. */
function textsOf(headers: RawMessage["headers"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    headers.map(([name, value]) => [
      name,
      typeof value === "string" ? value : Buffer.from(value).toString("latin1"),
    ]),
  );
}

export function memoryStoreHarness(): StoreHarness<MemoryTx> {
  return {
    name: "memory",
    transactions: "concurrent",
    create: async (): Promise<StoreDatabase<MemoryTx>> => {
      const store = memoryStore();
      return {
        open: async () => store,
        writeEffect: (tx, key) => tx.put("effects", key, true),
        readEffects: async () => [...store.rows("effects").keys()],
        drop: async () => store.clear(),
      };
    },
    savepoint: (tx, work) => tx.savepoint(work),
    outsideTransaction: async () => {
      let ended: MemoryTx | undefined;
      await memoryStore().transaction(async (tx) => {
        ended = tx;
      });
      if (ended === undefined) throw new Error("the transaction gave no handle");
      return ended;
    },
    // Nothing outlives the process: what is opened again is the same store.
    restart: async () => undefined,
  };
}
