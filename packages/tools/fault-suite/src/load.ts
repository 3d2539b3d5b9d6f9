import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import {
  createMessaging,
  defineConsumer,
  defineEvent,
  MessagingError,
  PublishError,
  type Transport,
} from "@postrider/core";
import { lostOf } from "./check.ts";
import type { GroupSeen, History } from "./history.ts";
import { seededRandom } from "./random.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { until } from "./until.ts";

/** How the load works. */
export interface LoadOptions {
  readonly seed: number;
  /** Of each publish. */
  readonly deadlineMs: number;
  /** Between two publishes of one publisher: at most so long, in milliseconds. */
  readonly maxPaceMs: number;
  /** Publishes of one publisher that wait for their outcome, at most. */
  readonly maxOutstanding: number;
  readonly whenFull: "wait" | "reject";
}

/** Sixteen publishers, and a group with and one without order that consume all of it. */
export interface Load {
  readonly channel: string;
  readonly groups: { readonly ordered: string; readonly unordered: string };
  /** Resolves when a hundred messages that were published after the call were confirmed and handled by both groups. */
  flows(): Promise<void>;
  /** Runs `work` inside the next handler of the group without order. */
  inHandler(work: () => void | Promise<void>): Promise<void>;
  /** Notes what happens inside `work`, and until it flows again, as an outage; it destroys what these groups had. */
  outage(work: () => Promise<void>, destroys?: readonly string[]): Promise<void>;
  /** Publishes `count` events of `ballastBytes` as fast as they are taken or refused; resolves when all were handed over. */
  burst(count: number, ballastBytes: number): Promise<void>;
  /** Events that were published so far. */
  published(): number;
  /** Ends the publishers, waits for what they are owed, and closes. */
  end(): Promise<History>;
}

export const usualLoad: LoadOptions = {
  seed: 1,
  deadlineMs: 8_000,
  maxPaceMs: 60,
  maxOutstanding: 32,
  whenFull: "wait",
};

const publishers = 16;
const keysOfEach = 4;
const enough = 100;

interface Step {
  readonly key: string;
  readonly step: number;
  readonly ballast: string;
}

/** Any step will do. */
const steps = {
  "~standard": {
    version: 1 as const,
    vendor: "fault-suite",
    validate: (value: unknown) => ({ value: value as Step }),
    types: undefined as { readonly input: Step; readonly output: Step } | undefined,
  },
};
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function startLoad(transport: Transport, options: LoadOptions): Promise<Load> {
  const channel = "com.example.load";
  const Stepped = defineEvent("com.example.load.stepped.v1", { data: steps, key: ({ key }) => key, channel });
  const groups = { ordered: "load-ordered", unordered: "load-unordered" };
  const seen: readonly GroupSeen[] = [
    { name: groups.ordered, ordering: "key" },
    { name: groups.unordered, ordering: "none" },
  ];
  const recorder = createRecorder(seen);
  const messaging = await createMessaging({
    source: "/load",
    broker: transport,
    publish: { deadlineMs: options.deadlineMs, whenFull: options.whenFull },
    logger: quiet,
  });
  const interrupt: { work?: (() => void | Promise<void>) | undefined } = {};
  const handle = async (group: GroupSeen, { key, step }: Step): Promise<void> => {
    const handling = recorder.handlingBegins(group.name, key, step);
    if (group.ordering === "none") {
      const { work } = interrupt;
      interrupt.work = undefined;
      await work?.();
    }
    await delay(step % 3);
    handling.endedMs = performance.now();
  };
  for (const group of seen) {
    const consumer = defineConsumer(group.name, { inbox: "none", ordering: group.ordering });
    await messaging.consume(consumer.on(Stepped, ({ data }) => handle(group, data)));
  }

  const publishing = createPublishers(options, recorder, (step) => messaging.publish(Stepped(step)));
  const settled = async (): Promise<void> => {
    const owed = () => recorder.history().publishes.every(({ settledMs }) => settledMs !== undefined);
    // What stays unsettled is for the checker to tell.
    await until("every publish has its outcome", owed, options.deadlineMs + 10_000).catch(() => undefined);
    await until("all that was confirmed was handled", () => lostOf(recorder.history()).length === 0).catch(
      () => undefined,
    );
  };
  const flows = async (): Promise<void> => {
    const fromMs = performance.now();
    await until("messages flow", () => arrived(recorder.history(), fromMs) >= enough);
  };

  return {
    channel,
    groups,
    flows,
    inHandler: (work) =>
      new Promise((resolve, reject) => {
        interrupt.work = async () => {
          try {
            await work();
            resolve();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
      }),
    outage: async (work, destroys = []) => {
      const fromMs = performance.now();
      try {
        await work();
        await flows();
      } finally {
        recorder.outage({ fromMs, toMs: performance.now(), destroys });
      }
    },
    burst: publishing.burst,
    published: () => recorder.history().publishes.length,
    end: async () => {
      await publishing.end();
      await settled();
      await messaging.close({ drainMs: 5_000 });
      recorder.close();
      return recorder.history();
    },
  };
}

interface Publishers {
  burst(count: number, ballastBytes: number): Promise<void>;
  end(): Promise<void>;
}

function createPublishers(
  options: LoadOptions,
  recorder: Recorder,
  publish: (step: Step) => Promise<unknown>,
): Publishers {
  const stopped = new AbortController();
  const last = new Map<string, number>();
  const send = async (key: string, ballast: string): Promise<void> => {
    const step = (last.get(key) ?? 0) + 1;
    last.set(key, step);
    const seen = recorder.publishBegins(key, step);
    try {
      await publish({ key, step, ballast });
      seen.outcome = "confirmed";
    } catch (error) {
      seen.outcome = error instanceof PublishError ? error.outcome : "rejected";
      seen.code = error instanceof MessagingError ? error.code : String(error);
    }
    seen.settledMs = performance.now();
  };
  const one = async (index: number): Promise<void> => {
    const random = seededRandom(options.seed * publishers + index);
    let outstanding = 0;
    while (!stopped.signal.aborted) {
      await delay(random() * options.maxPaceMs);
      if (outstanding >= options.maxOutstanding) continue;
      const key = `${index}-${Math.floor(random() * keysOfEach)}`;
      outstanding += 1;
      void send(key, "").finally(() => (outstanding -= 1));
    }
  };
  const all = Array.from({ length: publishers }, (_, index) => one(index));
  return {
    burst: async (count, ballastBytes) => {
      const ballast = "x".repeat(ballastBytes);
      for (let index = 0; index < count; index += 1) {
        void send(`burst-${index % publishers}`, ballast);
        if (index % 10 === 0) await nextTurn();
      }
    },
    end: async () => {
      stopped.abort();
      await Promise.all(all);
    },
  };
}

/** How many, of what was published and confirmed since then, every group has handled. */
function arrived(history: History, sinceMs: number): number {
  const confirmed = confirmedSince(history, sinceMs);
  return Math.min(...history.groups.map(({ name }) => handledOf(history, name, confirmed)));
}

function confirmedSince({ publishes }: History, sinceMs: number): ReadonlySet<string> {
  return new Set(
    publishes
      .filter(({ startedMs, outcome }) => startedMs >= sinceMs && outcome === "confirmed")
      .map(({ key, step }) => `${key}:${step}`),
  );
}

function handledOf({ handlings }: History, group: string, wanted: ReadonlySet<string>): number {
  const handled = handlings
    .filter((one) => one.group === group && one.endedMs !== undefined)
    .map(({ key, step }) => `${key}:${step}`);
  return new Set(handled.filter((name) => wanted.has(name))).size;
}
