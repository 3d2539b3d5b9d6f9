import { type Clock, MessagingError, type PublishBounds, type PublishOutcome } from "@postrider/core";
import type { Redis } from "ioredis";
import { rejected, toTransportError, unavailableError } from "../errors.ts";
import type { TopologyMode } from "../options.ts";
import { createBackoff } from "./backoff.ts";
import { type Argument, listOf, numberOf, run, textOf } from "./call.ts";
import { createChannels } from "./channels.ts";
import { createDeadlineSweep } from "./deadline-sweep.ts";
import { createJob, type Entry, type Job, type JobShape, type Parcel } from "./job.ts";
import type { Link } from "./link.ts";
import { isFull, wordOf } from "./said.ts";

/*
 * Confirmed sending, one batch under way at a time: what gathers meanwhile is the next batch, so batches are as large as
 * the load. The server takes a batch as a whole or not at all; when its answer is lost, it goes out again on the next
 * connection, ahead of everything newer. So messages of one key keep their order.
 */

/** Sends with confirmation, in the order of the calls. */
export interface Sender {
  send(
    messages: readonly (Parcel | PublishOutcome)[],
    shape: JobShape,
    bounds: PublishBounds,
  ): Promise<readonly PublishOutcome[]>;
  /** The connection is there, again or for the first time. */
  up(): void;
  /** Resolves when everything accepted so far has its outcomes. */
  drain(): Promise<void>;
}

export interface SenderParts {
  readonly link: Link;
  readonly clock: Clock;
  readonly topology: TopologyMode;
  /** Makes sure that a channel is there, spread as we take it to be. */
  readonly channel: (client: Redis, channel: string) => Promise<void>;
  /** Whether the server takes nothing now. */
  readonly onBlocked: (cause: MessagingError | undefined) => void;
}

/** While a script runs, the server does nothing else. */
const maxBatchCount = 256;
const maxBatchBytes = 1024 * 1024;

/** What was given up while nothing could be sent is let go of at these. */
const maxStale = 1_024;
const maxStaleBytes = 4 * 1024 * 1024;

export function createSender({ link, clock, topology, channel, onBlocked }: SenderParts): Sender {
  const backoff = createBackoff(50, 1_000);
  /** What waits to be sent, from `head` on. */
  let queue: Entry[] = [];
  let head = 0;
  let underWay = false;
  let blocked: MessagingError | undefined;
  /** The connection that was given up; the link hears of it in a moment. */
  let left: Redis | undefined;
  let scheduled = false;
  /** Messages settled since the queue was last cleared of them. */
  let stale = 0;
  let staleBytes = 0;

  const sweep = createDeadlineSweep(clock, (job) => job.give(lateError()));
  const lateError = (): MessagingError => {
    if (blocked !== undefined) return blocked;
    if (link.client() === undefined) return unavailableError();
    return new MessagingError("TRANSPORT_DEADLINE", "The deadline of this publish passed before it was sent");
  };

  const settled = (job: Job): void => {
    sweep.forget(job);
    stale += job.entries.length;
    for (const { parcel } of job.entries) staleBytes += parcel.bytes;
    if (stale < maxStale && staleBytes < maxStaleBytes) return;
    stale = 0;
    staleBytes = 0;
    queue = queue.slice(head).filter((entry) => !entry.done);
    head = 0;
  };

  /** All calls of one turn of the event loop go out together. */
  const pumpSoon = (): void => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      pump();
    });
  };

  const pump = (): void => {
    const client = link.client();
    if (underWay || client === undefined || client === left) return;
    const batch = takeBatch();
    if (batch.length === 0) return;
    underWay = true;
    void transmit(client, batch).finally(() => {
      underWay = false;
      pump();
    });
  };

  /** What is at the head, as far as it may go now; settled ones are let go of. */
  const takeBatch = (): readonly Entry[] => {
    const batch: Entry[] = [];
    let bytes = 0;
    while (head < queue.length && batch.length < maxBatchCount) {
      const entry = queue[head];
      if (entry !== undefined && !entry.done) {
        if (!channels.isReady(entry.parcel.channel)) break;
        if (batch.length > 0 && bytes + entry.parcel.bytes > maxBatchBytes) break;
        bytes += entry.parcel.bytes;
        batch.push(entry);
      }
      head += 1;
    }
    if (head === queue.length || head >= 1_024) {
      queue = queue.slice(head);
      head = 0;
    }
    return batch;
  };

  const transmit = async (client: Redis, batch: readonly Entry[]): Promise<void> => {
    const { keys, args } = argumentsOf(batch, topology);
    for (const entry of batch) entry.sent = true;
    try {
      const refused = listOf(await run(client, "publish", keys, args));
      await settleBatch(client, batch, refused);
    } catch (error) {
      await failBatch(client, batch, error);
    }
  };

  /** `refused`: index and words of the server for each that was not taken, in turn. */
  const settleBatch = async (
    client: Redis,
    batch: readonly Entry[],
    refused: readonly unknown[],
  ): Promise<void> => {
    const words = new Map<number, string>();
    for (let at = 0; at + 1 < refused.length; at += 2)
      words.set(numberOf(refused[at]), textOf(refused[at + 1]));
    // Whether the server may write at all is judged before a script begins to: then nothing of the batch was taken.
    const ofAll = [...words.values()]
      .map((said) => new Error(said))
      .find((said) => isFull(said) || isUnfit(said));
    if (ofAll !== undefined) return failBatch(client, batch, ofAll);
    unblock();
    for (const [index, entry] of batch.entries()) {
      const said = words.get(index);
      entry.job.finish(entry, said === undefined ? confirmed : rejected("message", refusalOf(entry, said)));
    }
  };

  const failBatch = async (client: Redis, batch: readonly Entry[], error: unknown): Promise<void> => {
    const failure = toTransportError(error, "Redis took no messages");
    if (isFull(error)) return holdBack(batch, failure);
    if (isUnfit(error)) for (const entry of batch) entry.sent = false;
    if (link.client() === client && failure.code !== "TRANSPORT_UNAVAILABLE" && wordOf(error) !== "") {
      // The server's own words: it has run nothing.
      for (const entry of batch) entry.job.finish(entry, rejected("broker", failure));
      return;
    }
    // A server that is a replica now is left; and of a connection that broke nobody knows what became of the batch.
    for (const { job } of batch) job.endIfBroken();
    putBack(batch);
    left = client;
    link.drop(client, error);
  };

  /** Tries again in a moment, in the same order. */
  const holdBack = async (batch: readonly Entry[], cause: MessagingError): Promise<void> => {
    for (const entry of batch) entry.sent = false;
    if (blocked === undefined) onBlocked(cause);
    blocked = cause;
    putBack(batch);
    await new Promise<void>((resolve) => void clock.schedule(backoff.next(), resolve));
  };
  const unblock = (): void => {
    if (blocked === undefined) return;
    blocked = undefined;
    backoff.reset();
    onBlocked(undefined);
  };
  const putBack = (batch: readonly Entry[]): void => {
    queue = [...batch.filter((entry) => !entry.done), ...queue.slice(head).filter((entry) => !entry.done)];
    head = 0;
  };

  const refuse = (name: string, error: MessagingError): void => {
    for (const entry of queue.slice(head)) {
      if (entry.done || entry.parcel.channel !== name) continue;
      // Sent before, on a connection that broke: it may have been stored.
      if (entry.sent) entry.job.finish(entry, { status: "unknown", scope: "message", error });
      else entry.job.finish(entry, rejected("message", error));
    }
  };
  const channels = createChannels(link, clock, channel, { ready: pumpSoon, missing: refuse });

  return {
    send: (messages, shape, bounds) =>
      new Promise((resolve) => {
        const job = createJob({ messages, shape, bounds, clock, onSettled: settled, resolve });
        if (job.entries.every((entry) => entry.done)) return;
        sweep.watch(job);
        for (const entry of job.entries) queue.push(entry);
        pumpSoon();
      }),
    up: () => {
      channels.clear();
      unblock();
      pumpSoon();
    },
    drain: async () => {
      await Promise.all(sweep.jobs().map((job: Job) => job.settled));
    },
  };
}

/** The server's words for: not here, not now. It has run nothing. */
function isUnfit(error: unknown): boolean {
  return ["READONLY", "LOADING", "MASTERDOWN"].includes(wordOf(error));
}

const confirmed: PublishOutcome = Object.freeze({ status: "confirmed" });

function argumentsOf(batch: readonly Entry[], topology: TopologyMode) {
  const keys: string[] = [];
  const places = new Map<string, number>();
  const args: Argument[] = [topology === "declare" ? "any" : "existing"];
  for (const { parcel } of batch) {
    let place = places.get(parcel.stream);
    if (place === undefined) {
      place = keys.push(parcel.stream);
      places.set(parcel.stream, place);
    }
    args.push(place, parcel.fields.length);
    for (const field of parcel.fields) args.push(field);
  }
  return { keys, args };
}

function refusalOf({ parcel }: Entry, said: string): MessagingError {
  if (said !== "MISSING")
    return toTransportError(new Error(said), `The stream '${parcel.stream}' took no message`);
  return new MessagingError(
    "TRANSPORT_CHANNEL_MISSING",
    `The channel '${parcel.channel}' does not exist: the stream '${parcel.stream}' is missing. Create it, or set topology: "declare"`,
    { context: { channel: parcel.channel } },
  );
}
