import {
  createMessaging,
  memory,
  memoryBroker,
  memoryStore,
  type Clock,
  type Logger,
  type MemoryBroker,
  type MemoryStore,
  type MemoryTransport,
  type MessagingWithoutStore,
  type MessagingWithStore,
  type Store,
} from "@postrider/core";
import { fakeClock, type FakeClock } from "@postrider/core/testing";
import { onTestFinished } from "vitest";
import { recordingLogger, until } from "../../support/recorder.ts";

/** One broker, one clock that stands still, and services on them. */
export interface World {
  readonly broker: MemoryBroker;
  readonly clock: FakeClock;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** A service without a database. */
  service(parts?: ServiceParts): Promise<MessagingWithoutStore>;
  /** A service on a database. */
  storing<Tx>(store: Store<Tx>, parts?: ServiceParts): Promise<MessagingWithStore<Tx>>;
  store(): MemoryStore;
  /** What the broker holds for a group. */
  group(name: string): {
    readonly queued: number;
    readonly unsettled: number;
    readonly delayed: number;
    readonly deadLetters: number;
  };
  /** Resolves when the broker holds nothing for the group but dead letters; no time passes. */
  drained(name: string): Promise<void>;
  /** The same, and time passes meanwhile, timer by timer. */
  drainedInTime(name: string): Promise<void>;
}

export interface ServiceParts {
  readonly transport?: MemoryTransport | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

export function createWorld(limits: Parameters<typeof memoryBroker>[0] = {}): World {
  const clock = fakeClock();
  const broker = memoryBroker({ clock, ...limits });
  const logger = recordingLogger();
  const options = (parts: ServiceParts) => ({
    source: "/test",
    broker: parts.transport ?? memory({ broker, clock }),
    logger: parts.logger ?? logger,
    clock: parts.clock ?? clock,
  });
  const closing = (close: (options: { drainMs: number }) => Promise<void>): void => {
    onTestFinished(async () => {
      const closed = close({ drainMs: 0 });
      await clock.advance(60_000); // handlers that never end are given up by the clock
      await closed;
    });
  };
  const group: World["group"] = (name) => {
    const found = broker.inspect().groups.find((one) => one.group === name);
    return found ?? { queued: 0, unsettled: 0, delayed: 0, deadLetters: 0 };
  };

  return {
    broker,
    clock,
    logger,
    service: async (parts = {}) => {
      const messaging = await createMessaging(options(parts));
      closing(messaging.close);
      return messaging;
    },
    storing: async <Tx>(store: Store<Tx>, parts: ServiceParts = {}) => {
      const messaging = await createMessaging({ ...options(parts), store });
      closing(messaging.close);
      return messaging as MessagingWithStore<Tx>;
    },
    store: () => memoryStore({ clock }),
    group,
    drained: (name) => until(`the group '${name}' has nothing left`, () => isEmpty(group(name)), limitMs),
    drainedInTime: (name) =>
      until(
        `the group '${name}' has nothing left`,
        async () => {
          if (!isEmpty(group(name)))
            await clock.runUntil(() => isEmpty(group(name)), { withinMs: dayMs }).catch(() => undefined);
          return isEmpty(group(name));
        },
        limitMs,
      ),
  };
}

/** Below the runner's own limit, so that the reason shows. */
const limitMs = 4_000;
const dayMs = 86_400_000;

function isEmpty({ queued, unsettled, delayed }: ReturnType<World["group"]>): boolean {
  return queued + unsettled + delayed === 0;
}

/** A promise, and the hands to settle it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Lets everything under way go as far as it gets without a timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
