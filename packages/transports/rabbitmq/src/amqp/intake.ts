import type { Clock } from "@postrider/core";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import { toTransportError, unavailableError } from "../errors.ts";
import { createBackoff } from "./backoff.ts";
import type { Link } from "./link.ts";
import type { Tenure, TenureListener } from "./tenure.ts";

/** One queue that a subscription consumes, over as many channels as it takes. */
export interface Intake {
  readonly queue: string;
  /** The channel of this moment. */
  tenure(): Tenure | undefined;
  /** What is next to be handed over. */
  next(): Fetched | undefined;
  /** Begins. Rejects when it cannot. */
  open(): Promise<void>;
  /** Gives the channel up, so that another member may have the queue, and stands in line again. */
  requeue(): Promise<void>;
  /** Gives the channel up for good. */
  close(): Promise<void>;
}

/** A message, and the time in which it is ours. */
export interface Fetched {
  readonly message: ConsumeMessage;
  readonly tenure: Tenure;
}

export interface IntakeParts {
  readonly queue: string;
  readonly link: Link;
  readonly clock: Clock;
  readonly begin: (model: ChannelModel, listener: TenureListener) => Promise<Tenure>;
  /** Makes sure that what the queue needs is there. */
  readonly prepare: (model: ChannelModel) => Promise<void>;
  readonly arrived: () => void;
  /** What the channel held is no longer ours. It is opened again. */
  readonly lost: (tenure: Tenure | undefined, why: "channel" | "queue" | "failed", cause: unknown) => void;
}

export function createIntake({ queue, link, clock, begin, prepare, arrived, lost }: IntakeParts): Intake {
  const backoff = createBackoff(100, 30_000);
  const closing = new AbortController();
  const closed = new Promise<undefined>((resolve) => {
    closing.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  let current: Tenure | undefined;
  let reopening: Promise<void> | undefined;

  const start = async (model: ChannelModel): Promise<void> => {
    const own: { tenure?: Tenure; lost?: unknown } = {};
    const opened = await begin(model, {
      arrived,
      lost: (why, cause) => {
        own.lost = cause ?? new Error("the channel was closed");
        if (own.tenure === undefined || current !== own.tenure) return;
        current = undefined;
        lost(own.tenure, why, cause);
        recover();
      },
    });
    if (own.lost !== undefined) throw toTransportError(own.lost, `The queue '${queue}' cannot be consumed`);
    if (closing.signal.aborted) return void (await opened.end());
    own.tenure = opened;
    current = opened;
    if (opened.fetched.length > 0) arrived();
  };

  const recover = (): void => {
    reopening ??= reopen().finally(() => (reopening = undefined));
  };
  /** Goes on until it stands again or is closed: a queue that cannot be had now may be there later. */
  const reopen = async (): Promise<void> => {
    while (!closing.signal.aborted && current === undefined) {
      const model = await Promise.race([link.whenUp(), closed]);
      if (model === undefined || closing.signal.aborted) return;
      try {
        await prepare(model);
        await start(model);
        backoff.reset();
      } catch (error) {
        // With the connection gone the next one is waited for; otherwise somebody should know.
        if (link.model() === model) lost(undefined, "failed", error);
        await pause(backoff.next());
      }
    }
  };
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        closing.signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.schedule(delayMs, end);
      closing.signal.addEventListener("abort", end, { once: true });
    });

  return {
    queue,
    tenure: () => current,
    next: () => {
      const message = current?.fetched.shift();
      return message === undefined || current === undefined ? undefined : { message, tenure: current };
    },
    open: async () => {
      const model = link.model();
      if (model === undefined) throw unavailableError();
      await start(model);
    },
    requeue: async () => {
      const before = current;
      if (before === undefined || closing.signal.aborted) return;
      current = undefined;
      await before.end();
      recover();
    },
    close: async () => {
      closing.abort();
      const before = current;
      current = undefined;
      await before?.end();
      await reopening;
    },
  };
}
