import { createChannel, routesOf, type Channel } from "./channel.ts";
import { bytesOf, type BrokerMessage } from "./message.ts";
import type { ResolvedBrokerOptions } from "./options.ts";
import { BrokerRefusal } from "./refusal.ts";

/** What to do about a channel that does not exist. */
export type MissingChannel = "create" | "reject";

/** The publish side of the broker. */
export interface Channels {
  readonly all: ReadonlyMap<string, Channel>;
  /** @throws BrokerRefusal `channel-missing`. */
  open(name: string, missing: MissingChannel): Channel;
  /**
   * Stores a message and gives it to every group that wants it, or does nothing at all.
   * @throws BrokerRefusal `message-too-large`, `queue-full`, `channel-missing`.
   */
  accept(message: BrokerMessage, missing: MissingChannel): void;
  /** Forgets all messages, and channels that nobody is bound to. */
  clear(): void;
}

export function createChannels(options: ResolvedBrokerOptions): Channels {
  const all = new Map<string, Channel>();

  const open = (name: string, missing: MissingChannel): Channel => {
    const known = all.get(name);
    if (known !== undefined) return known;
    if (missing === "reject") {
      throw new BrokerRefusal("channel-missing", `The channel '${name}' does not exist`);
    }
    const channel = createChannel(name, options.retainedMessages);
    all.set(name, channel);
    return channel;
  };

  return {
    all,
    open,
    accept: (message, missing) => {
      refuseOversize(message, options.maxMessageBytes);
      const channel = open(message.channel, missing);
      const outlets = routesOf(channel, message.type);
      const full = outlets.find((outlet) => outlet.queue.size >= options.maxQueuedMessages);
      if (full !== undefined) {
        throw new BrokerRefusal(
          "queue-full",
          `The group '${full.group}' has ${full.queue.size} messages of '${message.channel}' outstanding, and takes no more`,
        );
      }
      const stored = channel.store(message, options.clock.now());
      for (const outlet of outlets) outlet.add(stored);
    },
    clear: () => {
      for (const channel of [...all.values()]) {
        all.delete(channel.name);
        if (channel.bindings.size === 0) continue;
        const emptied = createChannel(channel.name, options.retainedMessages);
        for (const [outlet, filter] of channel.bindings) emptied.bindings.set(outlet, filter);
        all.set(channel.name, emptied);
      }
    },
  };
}

export function refuseOversize(message: BrokerMessage, maxMessageBytes: number): void {
  const bytes = bytesOf(message);
  if (bytes <= maxMessageBytes) return;
  throw new BrokerRefusal(
    "message-too-large",
    `The message has ${bytes} bytes, and ${maxMessageBytes} is the limit`,
  );
}
