import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import type { ResolvedOptions } from "../options.ts";
import { createAcks, type Acks } from "./acks.ts";
import { closeChannel } from "./close-channel.ts";

/** The time in which one channel consumes one queue: what it holds is ours as long as the channel lives. */
export interface Tenure {
  readonly acks: Acks;
  /** Fetched and not handed over, oldest first. */
  readonly fetched: ConsumeMessage[];
  live(): boolean;
  /** The broker has sent something: where only one consumer is active, it is this one. */
  active(): boolean;
  /** Fetches nothing more, and keeps what it has. */
  cancel(): Promise<void>;
  /** Another bound of what may be fetched. */
  resize(prefetch: number): Promise<void>;
  /** Gives the channel up: the broker takes back what is unacknowledged. */
  end(): Promise<void>;
}

export interface TenureListener {
  arrived(): void;
  /** The channel is gone, or the queue; not called for `end`. */
  lost(why: "channel" | "queue", cause: unknown): void;
}

export async function beginTenure(
  model: ChannelModel,
  queue: string,
  prefetch: number,
  options: ResolvedOptions,
  listener: TenureListener,
): Promise<Tenure> {
  const channel = await model.createChannel();
  let live = true;
  let active = false;
  let tag: string | undefined;
  let resizing: Promise<void> = Promise.resolve();
  let cause: unknown;
  const fetched: ConsumeMessage[] = [];
  const acks = createAcks({
    clock: options.clock,
    delayMs: options.ackDelayMs,
    batch: Math.min(64, Math.max(1, Math.floor(prefetch / 4))),
    send: (deliveryTag, reach) => acknowledge(channel, deliveryTag, reach),
  });

  const stop = (): boolean => {
    const was = live;
    live = false;
    acks.end();
    fetched.length = 0;
    return was;
  };
  const lose = (why: "channel" | "queue"): void => {
    if (stop()) listener.lost(why, cause);
  };
  channel.on("error", (error: Error) => (cause = error));
  channel.on("close", () => lose("channel"));

  const receive = (message: ConsumeMessage | null): void => {
    if (!live) return;
    if (message === null) {
      // The queue was deleted, or lost its leader: the server has ended the consumer, and says nothing else.
      lose("queue");
      void closeChannel(channel);
      return;
    }
    active = true;
    acks.delivered(message.fields.deliveryTag);
    fetched.push(message);
    listener.arrived();
  };
  const consume = async (bound: number): Promise<void> => {
    await channel.prefetch(bound);
    const before = tag;
    ({ consumerTag: tag } = await channel.consume(queue, receive));
    if (before !== undefined) await channel.cancel(before);
  };
  await consume(prefetch);

  return {
    acks,
    fetched,
    live: () => live,
    active: () => active,
    cancel: async () => {
      const before = tag;
      tag = undefined;
      if (live && before !== undefined) await channel.cancel(before).catch(() => undefined);
    },
    resize: (bound) => {
      resizing = resizing.then(async () => {
        if (live && tag !== undefined) await consume(bound).catch(() => undefined);
      });
      return resizing;
    },
    end: async () => {
      if (live) acks.flush();
      if (stop()) await closeChannel(channel);
    },
  };
}

function acknowledge(channel: Channel, deliveryTag: number, reach: "all-up-to" | "alone"): void {
  try {
    channel.ack(tagged(deliveryTag), reach === "all-up-to");
  } catch {
    // The channel is going: what it held comes again.
  }
}

/** amqplib reads the tag of a message and nothing else. */
function tagged(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage;
}
