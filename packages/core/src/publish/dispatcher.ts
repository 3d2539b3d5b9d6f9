import { createAbortWatch } from "../abort-watch.ts";
import type { Clock } from "../contracts/clock.ts";
import type { PublishOutcome, TransportPublisher } from "../contracts/transport.ts";
import type { OutgoingMessage } from "../contracts/wire.ts";
import { MessagingError, toMessagingError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { within } from "../within.ts";
import { createDeadlines } from "./deadlines.ts";
import { givenUp, graceMs, lateMs, noAnswer, notSent, outcomesOf, unknown } from "./outcomes.ts";
import { createWindow, type WindowLimits } from "./window.ts";

/*
 * From an encoded message to its outcome: window, one batch for all that was admitted in the same turn, transport,
 * deadline. Nothing is durable before the outcome says `confirmed`.
 */

export interface DispatchBounds {
  /** Of the monotonic clock. */
  readonly deadlineAtMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Dispatcher {
  /** Never rejects. The outcome comes by the deadline, whatever the transport does. */
  dispatch(message: OutgoingMessage, bounds: DispatchBounds): Promise<PublishOutcome>;
  /** Refuses new messages and waits up to `drainMs` for those under way; the outcome of the others is then `unknown`. */
  close(drainMs: number): Promise<void>;
}

/** A message that was admitted. `told`: its publisher has an outcome, which may be before the transport's. */
interface Pending {
  readonly message: OutgoingMessage;
  readonly deadlineAtMs: number;
  told: boolean;
  sent: boolean;
  /** Gives the room back: when the transport is done with the message, which is in memory until then. */
  leave(): void;
  tell(outcome: PublishOutcome): void;
}

export function createDispatcher(
  publisher: TransportPublisher,
  limits: WindowLimits,
  clock: Clock,
  telemetry: Telemetry,
): Dispatcher {
  const window = createWindow(limits, clock);
  const deadlines = createDeadlines(clock);
  const watch = createAbortWatch();
  const calls = createCallCount();
  let turn: Pending[] = [];

  const flush = async (): Promise<void> => {
    const batch = takeUntold(turn);
    turn = [];
    if (batch.length === 0) return;
    const bounds = { deadlineMs: longestOf(batch, clock.monotonicMs()) };
    const messages = batch.map(({ message }) => message);
    const cancelLate = deadlines.add(clock.monotonicMs() + bounds.deadlineMs + graceMs + lateMs, () => {
      for (const pending of batch) pending.leave();
    });
    const publish = () => telemetry.untraced(() => publisher.publish(messages, bounds));
    const outcomes = await outcomesOf(publish, batch.length);
    cancelLate();
    for (const [index, pending] of batch.entries()) {
      pending.leave();
      const outcome = outcomes[index];
      if (outcome !== undefined) pending.tell(outcome);
    }
  };

  const send = (message: OutgoingMessage, { deadlineAtMs, signal }: DispatchBounds, leave: () => void) =>
    new Promise<PublishOutcome>((resolve) => {
      const tell = (outcome: PublishOutcome) => {
        if (pending.told) return;
        pending.told = true;
        cancel();
        unwatch();
        resolve(outcome);
      };
      const pending: Pending = { message, deadlineAtMs, told: false, sent: false, leave, tell };
      // The transport keeps the deadline itself; this one holds when it does not.
      const cancel = deadlines.add(deadlineAtMs + graceMs, () =>
        tell(unknown(noAnswer(`'${message.type}'`))),
      );
      const unwatch = watch(signal, () => tell(abandoned(pending, signal?.reason)));
      if (turn.push(pending) === 1) queueMicrotask(() => void flush());
    });

  const run = async (message: OutgoingMessage, bounds: DispatchBounds): Promise<PublishOutcome> => {
    const startedMs = clock.monotonicMs();
    let leave: () => void;
    try {
      const entered = window.enter(message.sizeBytes, bounds.deadlineAtMs - startedMs, bounds.signal);
      leave = entered instanceof Promise ? await entered : entered;
    } catch (error) {
      return notSent(toMessagingError(error));
    }
    // It may have fired between the moment that there was room and this one.
    if (bounds.signal?.aborted === true) {
      leave();
      return notSent(givenUp(`The publish of '${message.type}'`, bounds.signal.reason));
    }
    const outcome = await send(message, bounds, leave);
    const code = outcome.status === "confirmed" ? undefined : outcome.error.code;
    telemetry.instruments.sent(message.channel, 1, clock.monotonicMs() - startedMs, code);
    return outcome;
  };

  return {
    dispatch: (message, bounds) => calls.count(run(message, bounds)),
    close: async (drainMs) => {
      window.close();
      if (!(await within(clock, drainMs, calls.none()))) {
        deadlines.expire();
        await calls.none();
      }
      deadlines.clear();
    },
  };
}

/** Those that nobody gave up meanwhile; the others leave. */
function takeUntold(turn: readonly Pending[]): Pending[] {
  return turn.filter((pending) => {
    pending.sent = !pending.told;
    if (pending.told) pending.leave();
    return pending.sent;
  });
}

function longestOf(batch: readonly Pending[], now: number): number {
  return batch.reduce((longest, { deadlineAtMs }) => Math.max(longest, deadlineAtMs - now), 1);
}

function abandoned({ sent, message }: Pending, reason: unknown): PublishOutcome {
  const what = `The publish of '${message.type}'`;
  if (!sent) return notSent(givenUp(what, reason));
  return unknown(
    new MessagingError("TRANSPORT_OUTCOME_UNKNOWN", `${what} was given up by its signal.`, {
      cause: reason,
    }),
  );
}

/** Tells when no call is under way. */
function createCallCount(): { count<R>(call: Promise<R>): Promise<R>; none(): Promise<void> } {
  const waiting: (() => void)[] = [];
  let running = 0;
  const ended = (): void => {
    running -= 1;
    if (running === 0) for (const tell of waiting.splice(0)) tell();
  };
  return {
    count: (call) => {
      running += 1;
      void call.then(ended, ended);
      return call;
    },
    none: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
