import type { Channel, ChannelModel } from "amqplib";
import type { ResolvedOptions } from "../options.ts";
import { closeChannel } from "./close-channel.ts";
import { createIntake, type Intake } from "./intake.ts";
import type { Link } from "./link.ts";
import { beginTenure } from "./tenure.ts";

/** Who consumes an ordered group now, as its members tell each other over a fanout exchange of the group. */
export interface Members {
  /** All members heard of lately, this one among them, sorted. */
  list(): readonly string[];
  /** Says that this member goes, and hears no more. */
  leave(): Promise<void>;
}

export interface MembersParts {
  readonly id: string;
  readonly exchange: string;
  readonly consuming: Link;
  readonly publishing: Link;
  readonly options: ResolvedOptions;
  /** Somebody came or went. */
  readonly changed: () => void;
  /** The others are not heard now. */
  readonly onFault: (cause: unknown) => void;
}

export const announceEveryMs = 3_000;
/** Three announcements were missed: it is gone, or cut off. */
const forgetAfterMs = 10_000;

type Word = "joined" | "here" | "left";
const memberHeader = "postrider-member";
const wordHeader = "postrider-word";

export async function joinMembers(parts: MembersParts, model: ChannelModel): Promise<Members> {
  const { id, exchange, consuming, options, changed, onFault } = parts;
  const { clock } = options;
  const heard = new Map<string, number>();
  const announce = createAnnouncer(parts);
  const queue = `${exchange}:${id}`;
  let cancel = (): void => undefined;
  let left = false;

  const prepare = async (live: ChannelModel): Promise<void> => {
    const channel = await live.createChannel();
    channel.on("error", () => undefined);
    if (options.topology === "declare")
      await channel.assertExchange(exchange, "fanout", { durable: false, autoDelete: true });
    await channel.assertQueue(queue, { durable: false, exclusive: true, autoDelete: true });
    await channel.bindQueue(queue, exchange, "");
    await closeChannel(channel);
  };
  const intake: Intake = createIntake({
    queue,
    link: consuming,
    clock,
    begin: (live, listener) => beginTenure(live, queue, 100, options, listener),
    prepare,
    arrived: () => hearAll(),
    lost: (_tenure, why, cause) => {
      if (why === "failed") onFault(cause);
    },
  });

  const hearAll = (): void => {
    for (let next = intake.next(); next !== undefined; next = intake.next()) {
      const headers: Readonly<Record<string, unknown>> = next.message.properties.headers ?? {};
      next.tenure.acks.done(next.message.fields.deliveryTag);
      hear(headers[memberHeader], headers[wordHeader]);
    }
  };
  const hear = (member: unknown, word: unknown): void => {
    if (typeof member !== "string" || member === id || left) return;
    const isNew = !heard.has(member);
    if (word === "left") heard.delete(member);
    else heard.set(member, clock.monotonicMs());
    // Who comes should not wait for the next round to hear of the others.
    if (word === "joined") void announce("here");
    if (isNew !== (word === "left")) changed();
  };
  const tick = (): void => {
    if (left) return;
    const oldestMs = clock.monotonicMs() - forgetAfterMs;
    const gone = [...heard].filter(([, atMs]) => atMs < oldestMs);
    for (const [member] of gone) heard.delete(member);
    if (gone.length > 0) changed();
    void announce("here");
    cancel = clock.schedule(announceEveryMs, tick);
  };

  try {
    await prepare(model);
    await intake.open();
  } catch (error) {
    await intake.close();
    throw error;
  }
  await announce("joined");
  cancel = clock.schedule(announceEveryMs, tick);

  return {
    list: () => [...heard.keys(), id].sort(),
    leave: async () => {
      left = true;
      cancel();
      await announce("left");
      await intake.close();
      await announce.end();
    },
  };
}

interface Announcer {
  (word: Word): Promise<void>;
  end(): Promise<void>;
}

/** Unconfirmed: what is lost is said again in three seconds. */
function createAnnouncer({ id, exchange, publishing, consuming }: MembersParts): Announcer {
  let own: { readonly model: ChannelModel; readonly channel: Channel } | undefined;
  let full = false;

  const channelOf = async (model: ChannelModel): Promise<Channel> => {
    if (own?.model === model) return own.channel;
    const channel = await model.createChannel();
    own = { model, channel };
    full = false;
    channel.on("error", () => undefined);
    channel.on("drain", () => (full = false));
    channel.on("close", () => {
      if (own?.channel === channel) own = undefined;
    });
    return channel;
  };
  const announce = async (word: Word): Promise<void> => {
    const model = publishing.model();
    // Who cannot consume now is no member that queues should be left to.
    if (model === undefined || consuming.model() === undefined) return;
    try {
      const channel = await channelOf(model);
      // While the broker takes nothing, nobody needs the same words twice.
      if (!full)
        full = !channel.publish(exchange, "", Buffer.alloc(0), {
          headers: { [memberHeader]: id, [wordHeader]: word },
        });
    } catch {
      // The connection is going.
    }
  };
  return Object.assign(announce, {
    end: async () => {
      const channel = own?.channel;
      own = undefined;
      if (channel !== undefined) await closeChannel(channel);
    },
  });
}
