import { type BrokerUnderFault, type FaultName, until } from "@postrider/fault-suite";
import { freeze, kill, start, thaw } from "@postrider/test-servers";
import type { RedisOptions } from "../../src/index.ts";
import { createBroker } from "./broker.ts";

const heartbeatMs = 1_000;

/** What can be broken here. */
export const knownFaults: readonly FaultName[] = [
  "kill",
  "start",
  "freeze",
  "thaw",
  "closeConnections",
  "cut",
  "loseReplies",
  "holdReplies",
  "releaseReplies",
  "raiseAlarm",
  "clearAlarm",
  "deleteQueue",
  "deleteChannel",
];

/** A prefix of its own, a transport through a proxy, and everything that breaks them. */
export async function openBrokerUnderFault(options: RedisOptions = {}): Promise<BrokerUnderFault> {
  const broker = await createBroker();
  const { transport, proxy } = await broker.transport({ heartbeatMs, leaseMs: 3_000, ...options });
  const streams = async (): Promise<readonly string[]> =>
    (await broker.keys()).filter((key) => /^\{[^}]*:\d+\}$/.test(key)).map((key) => broker.prefix + key);
  const setMaxMemory = async (bytes: string): Promise<void> => {
    const client = await broker.raw();
    await client.call("CONFIG", "SET", "maxmemory", bytes);
    client.disconnect();
  };
  return {
    transport,
    faults: {
      // Two heartbeats that are missed.
      silenceLimitMs: 2 * heartbeatMs,
      kill: () => kill("redis"),
      start: async () => void (await start("redis")),
      freeze: () => freeze("redis"),
      thaw: () => thaw("redis"),
      closeConnections: broker.closeConnections,
      cut: proxy.cut,
      loseReplies: () => proxy.silence("replies"),
      holdReplies: proxy.hold,
      releaseReplies: proxy.release,
      raiseAlarm: async () => {
        await setMaxMemory("1mb");
        await until("the transport knows that the server is full", () => transport.state() === "blocked");
      },
      clearAlarm: () => setMaxMemory("0"),
      deleteQueue: async (group) => {
        const client = await broker.raw();
        for (const stream of await streams()) await client.xgroup("DESTROY", stream, group);
        client.disconnect();
      },
      deleteChannel: async () => {
        const client = await broker.raw();
        const found = await streams();
        if (found.length > 0) await client.del(...found);
        client.disconnect();
      },
    },
    remove: async () => {
      await setMaxMemory("0");
      await broker.remove();
    },
  };
}
