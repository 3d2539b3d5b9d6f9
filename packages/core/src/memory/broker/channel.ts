import { createBoundedLog, type BoundedLog } from "./log.ts";
import type { BrokerMessage, StoredMessage } from "./message.ts";
import type { Outlet } from "./member.ts";

/** Types that an outlet takes from a channel. */
export type TypeFilter = ReadonlySet<string> | "all";

/** Where messages are sent: a log of the newest ones, and the queues that get each of them. */
export interface Channel {
  readonly name: string;
  readonly log: BoundedLog<StoredMessage>;
  readonly bindings: Map<Outlet, TypeFilter>;
  /** Gives a message its place. */
  store(message: BrokerMessage, nowMs: number): StoredMessage;
}

export function createChannel(name: string, retainedMessages: number): Channel {
  const log = createBoundedLog<StoredMessage>(retainedMessages);
  let lastOffset = 0;
  return {
    name,
    log,
    bindings: new Map(),
    store: (message, nowMs) => {
      lastOffset += 1;
      const stored = { ...message, offset: lastOffset, storedAtMs: nowMs };
      log.push(stored);
      return stored;
    },
  };
}

/** The outlets that a message of this type goes to. */
export function routesOf(channel: Channel, type: string | undefined): readonly Outlet[] {
  const outlets: Outlet[] = [];
  for (const [outlet, filter] of channel.bindings) if (passes(filter, type)) outlets.push(outlet);
  return outlets;
}

/** A message without a type passes every filter: whoever consumes must see that it is foreign. */
export function passes(filter: TypeFilter, type: string | undefined): boolean {
  return filter === "all" || type === undefined || filter.has(type);
}

/** A group takes what any of its members, past ones too, asked for. */
export function widen(filter: TypeFilter | undefined, types: readonly string[] | "all"): TypeFilter {
  return filter === "all" || types === "all" ? "all" : new Set([...(filter ?? []), ...types]);
}
