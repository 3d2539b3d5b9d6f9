import type { GroupSeen, HandlingSeen, History, Outage, PublishSeen } from "./history.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Writes a history while it happens. */
export interface Recorder {
  publishBegins(key: string, step: number): Writable<PublishSeen>;
  handlingBegins(group: string, key: string, step: number): Writable<HandlingSeen>;
  outage(outage: Outage): void;
  history(): History;
  /** Stops listening for strays and watching the memory. */
  close(): void;
}

const memoryEveryMs = 50;

export function createRecorder(groups: readonly GroupSeen[]): Recorder {
  const publishes: PublishSeen[] = [];
  const handlings: HandlingSeen[] = [];
  const outages: Outage[] = [];
  const strays: string[] = [];
  const startBytes = usedBytes();
  let peakBytes = startBytes;
  const watch = setInterval(() => (peakBytes = Math.max(peakBytes, usedBytes())), memoryEveryMs);
  watch.unref();
  const stray = (thrown: unknown): void => void strays.push(String(thrown));
  process.on("unhandledRejection", stray);
  process.on("uncaughtExceptionMonitor", stray);
  return {
    publishBegins: (key, step) => {
      const one = {
        key,
        step,
        startedMs: performance.now(),
        settledMs: undefined,
        outcome: undefined,
        code: undefined,
      };
      publishes.push(one);
      return one;
    },
    handlingBegins: (group, key, step) => {
      const one = { group, key, step, beganMs: performance.now(), endedMs: undefined };
      handlings.push(one);
      return one;
    },
    outage: (outage) => void outages.push(outage),
    history: () => ({ publishes, handlings, groups, outages, strays, memory: { startBytes, peakBytes } }),
    close: () => {
      clearInterval(watch);
      process.off("unhandledRejection", stray);
      process.off("uncaughtExceptionMonitor", stray);
    },
  };
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
