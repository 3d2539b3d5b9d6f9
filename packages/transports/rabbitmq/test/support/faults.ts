import { setTimeout as delay } from "node:timers/promises";
import { type BrokerUnderFault, type FaultName, until } from "@postrider/fault-suite";
import { freeze, kill, rabbitmqctl, start, thaw } from "@postrider/test-servers";
import type { RabbitmqOptions } from "../../src/index.ts";
import { createBroker } from "./broker.ts";

const heartbeatMs = 2_000;

/**
 * The server saves its list of quorum queues half a second after it last changed. A queue that is not on it when the
 * server is killed comes back empty and without a leader, whatever it had confirmed.
 */
const queueListSavedMs = 2_000;

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
];

/** A vhost of its own, a transport through a proxy, and everything that breaks them. */
export async function openBrokerUnderFault(options: RabbitmqOptions = {}): Promise<BrokerUnderFault> {
  const broker = await createBroker();
  const { transport, proxy } = await broker.transport({ heartbeatMs, ...options });
  return {
    transport,
    faults: {
      // Two heartbeats that are missed.
      silenceLimitMs: 2 * heartbeatMs,
      kill: async () => {
        await delay(queueListSavedMs);
        await kill("rabbitmq");
      },
      start: async () => void (await start("rabbitmq")),
      freeze: () => freeze("rabbitmq"),
      thaw: () => thaw("rabbitmq"),
      closeConnections: broker.closeConnections,
      cut: proxy.cut,
      loseReplies: () => proxy.silence("replies"),
      holdReplies: proxy.hold,
      releaseReplies: proxy.release,
      raiseAlarm,
      clearAlarm,
      deleteQueue: async (group) => {
        const model = await broker.raw();
        const admin = await model.createChannel();
        await admin.deleteQueue(group);
        await model.close();
      },
    },
    remove: async () => {
      await clearAlarm();
      await broker.remove();
    },
  };
}

async function raiseAlarm(): Promise<void> {
  await rabbitmqctl("set_vm_memory_high_watermark", "0.000001");
  await until("the server is short of memory", async () => (await alarms()) !== "[]");
}

async function clearAlarm(): Promise<void> {
  await rabbitmqctl("set_vm_memory_high_watermark", "0.4");
  await until("the server has memory again", async () => (await alarms()) === "[]");
}

function alarms(): Promise<string> {
  return rabbitmqctl("eval", "rabbit_alarm:get_alarms().");
}
