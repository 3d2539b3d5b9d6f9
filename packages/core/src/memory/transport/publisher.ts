import type { Clock } from "../../contracts/clock.ts";
import type { PublishBounds, PublishOutcome, TransportPublisher } from "../../contracts/transport.ts";
import type { OutgoingMessage } from "../../contracts/wire.ts";
import { MessagingError } from "../../errors.ts";
import type { MissingChannel } from "../broker/channels.ts";
import type { BrokerMessage } from "../broker/message.ts";
import type { BrokerServer } from "../broker/server.ts";
import type { Connection } from "./connection.ts";
import { closedError, rejected, toOutcome, unavailableError } from "./errors.ts";
import { toBroker } from "./mapping.ts";

export interface MemoryPublisher extends TransportPublisher {
  /** The connection is back: sends what waited, in the order of the calls. */
  up(): void;
  /** The connection is gone: what waits gets its deadline. */
  down(): void;
  /** The process is dead: nobody sends what waits. */
  dead(): void;
  /** Resolves when everything accepted so far has its outcomes. */
  drain(): Promise<void>;
}

/** One call of `publish` or `publishRun`, until it has its outcomes. */
interface Job {
  readonly messages: readonly (BrokerMessage | PublishOutcome)[];
  readonly shape: "batch" | "run";
  readonly expiresAtMs: number;
  readonly settled: Promise<unknown>;
  cancelDeadline: (() => void) | undefined;
  settle(outcomes: readonly PublishOutcome[]): void;
}

export function createPublisher(
  server: BrokerServer,
  connection: Connection,
  clock: Clock,
  missingChannel: MissingChannel,
): MemoryPublisher {
  // In the order of the calls: so messages of one key keep theirs through an outage.
  const jobs = new Set<Job>();

  const submit = (
    messages: readonly OutgoingMessage[],
    bounds: PublishBounds,
    shape: Job["shape"],
  ): Promise<readonly PublishOutcome[]> => {
    const refusal = refusalOf(bounds);
    if (refusal !== undefined) return Promise.resolve(messages.map(() => rejected("broker", refusal)));
    return new Promise((resolve) => {
      const job = createJob(messages, bounds, shape, resolve);
      if (!connection.ready()) armDeadline(job);
      else void server.request(sendNext);
    });
  };

  const refusalOf = ({ signal }: PublishBounds): MessagingError | undefined => {
    if (!connection.accepting()) return closedError("publish");
    return signal?.aborted === true ? abandoned(signal) : undefined;
  };

  const createJob = (
    messages: readonly OutgoingMessage[],
    { deadlineMs, signal }: PublishBounds,
    shape: Job["shape"],
    resolve: (outcomes: readonly PublishOutcome[]) => void,
  ): Job => {
    let tellSettled = (): void => {};
    const abort = (): void => give(job, signal === undefined ? unavailableError() : abandoned(signal));
    const job: Job = {
      messages: messages.map(copyOrRefuse),
      shape,
      expiresAtMs: clock.monotonicMs() + deadlineMs,
      settled: new Promise<void>((tell) => (tellSettled = tell)),
      cancelDeadline: undefined,
      settle: (outcomes) => {
        jobs.delete(job);
        job.cancelDeadline?.();
        signal?.removeEventListener("abort", abort);
        resolve(outcomes);
        tellSettled();
      },
    };
    signal?.addEventListener("abort", abort, { once: true });
    jobs.add(job);
    return job;
  };

  const armDeadline = (job: Job): void => {
    const leftMs = job.expiresAtMs - clock.monotonicMs();
    if (leftMs === Infinity) return;
    job.cancelDeadline ??= clock.schedule(Math.max(0, leftMs), () => give(job, unavailableError()));
  };

  /** Each call asks for one of these, so that calls of several clients are served in the order made. */
  const sendNext = (): void => {
    const [job] = jobs;
    if (job !== undefined && connection.ready()) send(job);
  };

  const send = (job: Job): void => {
    const expired = clock.monotonicMs() >= job.expiresAtMs;
    if (expired) give(job, expiredError());
    else job.settle(job.shape === "run" ? sendRun(job) : job.messages.map(sendOne));
  };

  const sendOne = (message: BrokerMessage | PublishOutcome): PublishOutcome => {
    if ("status" in message) return message;
    try {
      server.publish(message, missingChannel);
      return { status: "confirmed" };
    } catch (error) {
      return toOutcome(error);
    }
  };

  const sendRun = (job: Job): readonly PublishOutcome[] => {
    let broken: PublishOutcome | undefined;
    return job.messages.map((message) => {
      if (broken !== undefined) return behind(broken);
      const outcome = sendOne(message);
      if (outcome.status !== "confirmed") broken = outcome;
      return outcome;
    });
  };

  return {
    publish: (batch, bounds) => submit(batch, bounds, "batch"),
    publishRun: (run, bounds) => submit(run, bounds, "run"),
    up: () => {
      for (const job of jobs) send(job);
    },
    down: () => {
      for (const job of jobs) armDeadline(job);
    },
    dead: () => {
      for (const job of jobs) give(job, unavailableError());
    },
    drain: async () => {
      await Promise.all([...jobs].map((job) => job.settled));
    },
  };
}

/** Ends a job of which nothing was sent. */
function give(job: Job, error: MessagingError): void {
  job.settle(job.messages.map(() => rejected("broker", error)));
}

function copyOrRefuse(message: OutgoingMessage): BrokerMessage | PublishOutcome {
  try {
    return toBroker(message);
  } catch (error) {
    return toOutcome(error);
  }
}

function behind(broken: PublishOutcome): PublishOutcome {
  if (broken.status === "confirmed") return broken;
  const message = "Not sent, to keep the order: an earlier message of this run was not confirmed";
  return rejected(broken.scope, new MessagingError("TRANSPORT_REJECTED", message, { cause: broken.error }));
}

function expiredError(): MessagingError {
  return new MessagingError("TRANSPORT_DEADLINE", "The deadline of this publish passed before it was sent");
}

function abandoned(signal: AbortSignal): MessagingError {
  return new MessagingError(
    "TRANSPORT_DEADLINE",
    "This publish was given up by its signal before it was sent",
    {
      cause: signal.reason,
    },
  );
}
