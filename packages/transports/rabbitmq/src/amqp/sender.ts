import { type Clock, MessagingError, type PublishBounds, type PublishOutcome } from "@postrider/core";
import type { ChannelModel, ConfirmChannel } from "amqplib";
import { rejected, unavailableError } from "../errors.ts";
import { createBackoff } from "./backoff.ts";
import { closeChannel } from "./close-channel.ts";
import { createDeadlineSweep } from "./deadline-sweep.ts";
import { createExchanges } from "./exchanges.ts";
import { createJob, type Entry, type Job, type JobShape, type Parcel } from "./job.ts";
import { createLane, type Lane } from "./lane.ts";
import type { Link } from "./link.ts";
import { judgeLoss } from "./loss.ts";

/*
 * Confirmed sending over one channel at a time. When a channel is lost, what it had not confirmed goes out again on the
 * next one, in its order and ahead of everything newer: so messages of one key keep their order.
 */

/** Sends with confirmation, in the order of the calls. */
export interface Sender {
  send(
    messages: readonly (Parcel | PublishOutcome)[],
    shape: JobShape,
    bounds: PublishBounds,
  ): Promise<readonly PublishOutcome[]>;
  /** The connection is there, again or for the first time. */
  up(model: ChannelModel): void;
  down(): void;
  blocked(): void;
  unblocked(): void;
  /** Resolves when everything accepted so far has its outcomes. */
  drain(): Promise<void>;
}

export interface SenderParts {
  readonly link: Link;
  readonly clock: Clock;
  /** Whether an exchange that is gone is made sure of anew, or its messages refused. */
  readonly missingExchange: "ask" | "refuse";
  /** Makes sure that the exchange is there. */
  readonly exchange: (model: ChannelModel, exchange: string) => Promise<void>;
}

/** What was given up while nothing could be sent is let go of at these. */
const maxStale = 1_024;
const maxStaleBytes = 4 * 1024 * 1024;

export function createSender({ link, clock, missingExchange, exchange }: SenderParts): Sender {
  const backoff = createBackoff(50, 5_000);
  /** What waits to be sent, from `head` on. */
  let queue: Entry[] = [];
  let head = 0;
  let lane: Lane | undefined;
  let opening: ChannelModel | undefined;
  let isBlocked = false;
  /** After a loss that nobody could be blamed for: so many go out one at a time, until the one at fault is found. */
  let careful = 0;
  /** Messages settled since the queue was last cleared of them. */
  let stale = 0;
  let staleBytes = 0;

  const sweep = createDeadlineSweep(clock, (job) => job.give(lateError()));
  const lateError = (): MessagingError => {
    if (isBlocked)
      return new MessagingError(
        "TRANSPORT_FULL",
        "RabbitMQ is short of memory or disk and takes no messages now",
      );
    if (lane === undefined) return unavailableError();
    return new MessagingError("TRANSPORT_DEADLINE", "The deadline of this publish passed before it was sent");
  };

  const open = async (model: ChannelModel): Promise<void> => {
    if (opening === model || lane !== undefined) return;
    opening = model;
    try {
      const channel = await model.createConfirmChannel({ highWaterMark: 2_048 });
      if (link.model() === model && lane === undefined) adopt(channel);
      else await closeChannel(channel);
    } catch {
      // With the connection gone its successor is heard of; without, the server has no channel left for us.
      clock.schedule(backoff.next(), () => reopen(model));
    } finally {
      if (opening === model) opening = undefined;
    }
  };
  const reopen = (model: ChannelModel): void => {
    if (link.model() === model) void open(model);
  };

  const adopt = (channel: ConfirmChannel): void => {
    const own = createLane(channel, {
      confirmed: (entry) => {
        backoff.reset();
        confirm(entry);
      },
      refused: (entry) => entry.job.finish(entry, rejected("broker", nackedError())),
      room: pump,
      lost: (unsettled, failure) => {
        if (lane === own) lost(unsettled, failure);
      },
    });
    lane = own;
    pump();
  };

  const confirm = (entry: Entry): void => {
    if (careful > 0) careful -= 1;
    if (entry.returned === undefined) entry.job.finish(entry, confirmed);
    else entry.job.finish(entry, rejected("message", unroutableError(entry.parcel)));
  };

  const lost = (unsettled: readonly Entry[], failure: unknown): void => {
    lane = undefined;
    const model = link.model();
    // Without an error of the channel's own the connection went, and nobody is at fault.
    if (failure !== undefined) judge(failure, unsettled);
    for (const { job } of unsettled) job.endIfBroken();
    const again = unsettled.filter((entry) => !entry.done);
    queue = [...again, ...queue.slice(head)];
    head = 0;
    if (model !== undefined) clock.schedule(backoff.next(), () => reopen(model));
  };

  const judge = (failure: unknown, unsettled: readonly Entry[]): void => {
    const { forget, blame } = judgeLoss(failure, unsettled, {
      missingExchange,
      alone: careful > 0 ? "guilty" : "innocent",
    });
    for (const name of forget) exchanges.forget(name);
    for (const { entry, outcome } of blame) entry.job.finish(entry, outcome);
    if (blame.length === 0 && forget.length === 0) careful = Math.max(careful, unsettled.length);
  };

  const pump = (): void => {
    while (head < queue.length && lane !== undefined && !isBlocked) {
      const entry = queue[head];
      if (entry === undefined || entry.done) {
        head += 1;
        continue;
      }
      if (!lane.hasRoom(careful > 0) || !exchanges.isReady(entry.parcel.exchange)) break;
      if (transmit(lane, entry)) head += 1;
    }
    if (head < queue.length && head < 1_024) return;
    queue = queue.slice(head);
    head = 0;
  };

  /** False when it has to be sent again, over the next lane. */
  const transmit = (over: Lane, entry: Entry): boolean => {
    try {
      return over.send(entry) === "sent";
    } catch (error) {
      entry.job.finish(entry, rejected("message", unencodableError(error)));
      return true;
    }
  };

  const refuse = (name: string, error: MessagingError): void => {
    for (const entry of queue.slice(head)) {
      if (!entry.done && entry.parcel.exchange === name)
        // Sent before, on a channel that died: it may have been stored while the exchange was there.
        entry.job.finish(
          entry,
          entry.sent ? { status: "unknown", scope: "message", error } : rejected("message", error),
        );
    }
  };
  const exchanges = createExchanges(link, exchange, { ready: () => pump(), missing: refuse });

  const settled = (job: Job): void => {
    sweep.forget(job);
    stale += job.entries.length;
    for (const { parcel } of job.entries) staleBytes += parcel.content.length;
    if (stale < maxStale && staleBytes < maxStaleBytes) return;
    stale = 0;
    staleBytes = 0;
    queue = queue.slice(head).filter((entry) => !entry.done);
    head = 0;
  };

  return {
    send: (messages, shape, bounds) =>
      new Promise((resolve) => {
        const job = createJob({
          messages,
          shape,
          bounds,
          clock,
          onSettled: settled,
          resolve,
        });
        if (job.entries.every((entry) => entry.done)) return;
        sweep.watch(job);
        for (const entry of job.entries) queue.push(entry);
        pump();
      }),
    up: (model) => {
      isBlocked = false;
      exchanges.clear();
      void open(model);
    },
    down: () => {
      isBlocked = false;
      careful = 0;
      exchanges.clear();
    },
    blocked: () => {
      isBlocked = true;
    },
    unblocked: () => {
      isBlocked = false;
      pump();
    },
    drain: async () => {
      await Promise.all(sweep.jobs().map((job: Job) => job.settled));
    },
  };
}

const confirmed: PublishOutcome = Object.freeze({ status: "confirmed" });

function nackedError(): MessagingError {
  return new MessagingError(
    "TRANSPORT_REJECTED",
    "RabbitMQ refused the message: a queue is full or has no leader now",
  );
}

function unroutableError({ exchange, routingKey }: Parcel): MessagingError {
  const to =
    exchange === ""
      ? `the queue '${routingKey}' does not exist`
      : `no queue is bound to the exchange '${exchange}' for it`;
  return new MessagingError(
    "TRANSPORT_UNROUTABLE",
    `RabbitMQ has nowhere to put the message: ${to}. Start its consumer once, or set unroutable: "drop" if nobody needs it`,
    { context: { exchange, routingKey } },
  );
}

function unencodableError(error: unknown): MessagingError {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError)
    return new MessagingError(
      "TRANSPORT_TOO_LARGE",
      "The attributes and headers of the message exceed 64 KiB together, or one has a name or value that is too long for AMQP",
      { cause: error },
    );
  return new MessagingError("TRANSPORT_REJECTED", `The message cannot be written in AMQP: ${text}`, {
    cause: error,
    retryable: false,
  });
}
