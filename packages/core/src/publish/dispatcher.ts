import type { Clock } from "../contracts/clock.ts";
import type { PublishOutcome, TransportPublisher } from "../contracts/transport.ts";
import type { OutgoingMessage } from "../contracts/wire.ts";
import { MessagingError, toMessagingError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createWindow, type Window, type WindowLimits } from "./window.ts";

/*
 * From an encoded message to its outcome: window, one batch for all that was admitted in the same turn, transport,
 * deadline. Nothing is durable before the outcome says `confirmed`.
 */

export interface DispatchBounds {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Dispatcher {
  /** Never rejects. The outcome comes by the deadline, whatever the transport does. */
  dispatch(message: OutgoingMessage, bounds: DispatchBounds): Promise<PublishOutcome>;
  /** Refuses new messages and waits for those under way, which their deadlines bound. */
  close(): Promise<void>;
  readonly window: Window;
}

interface Pending {
  readonly message: OutgoingMessage;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  settle(outcome: PublishOutcome): void;
}

export function createDispatcher(
  publisher: TransportPublisher,
  limits: WindowLimits,
  clock: Clock,
  telemetry: Telemetry,
): Dispatcher {
  const window = createWindow(limits, clock);
  const underWay = new Set<Promise<unknown>>();
  let turn: Pending[] = [];

  const flush = (): void => {
    const batch = turn;
    turn = [];
    const now = clock.monotonicMs();
    const deadlineMs = Math.max(1, ...batch.map((pending) => pending.deadlineAtMs - now));
    const messages = batch.map((pending) => pending.message);
    void outcomesOf(
      () => telemetry.untraced(() => publisher.publish(messages, { deadlineMs })),
      messages.length,
    ).then((outcomes) => {
      for (const [index, pending] of batch.entries()) pending.settle(outcomes[index] ?? unanswered());
    });
  };

  const send = (message: OutgoingMessage, deadlineAtMs: number, signal: AbortSignal | undefined) =>
    new Promise<PublishOutcome>((resolve) => {
      const settle = (outcome: PublishOutcome) => {
        cancel();
        signal?.removeEventListener("abort", onAbort);
        resolve(outcome);
      };
      const late = (error: MessagingError) => settle({ status: "unknown", scope: "broker", error });
      // The transport keeps the deadline itself; this one holds when it does not.
      const cancel = clock.schedule(deadlineAtMs - clock.monotonicMs() + graceMs, () => {
        late(
          new MessagingError(
            "TRANSPORT_OUTCOME_UNKNOWN",
            `No answer from the broker for '${message.type}' by the deadline.`,
          ),
        );
      });
      const onAbort = () => {
        late(
          new MessagingError(
            "TRANSPORT_OUTCOME_UNKNOWN",
            `The publish of '${message.type}' was given up by its signal.`,
            { cause: signal?.reason },
          ),
        );
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (turn.push({ message, deadlineAtMs, signal, settle }) === 1) queueMicrotask(flush);
    });

  const run = async (message: OutgoingMessage, bounds: DispatchBounds): Promise<PublishOutcome> => {
    const startedMs = clock.monotonicMs();
    const deadlineAtMs = startedMs + bounds.deadlineMs;
    let leave: () => void;
    try {
      const entered = window.enter(message.sizeBytes, bounds.deadlineMs, bounds.signal);
      leave = entered instanceof Promise ? await entered : entered;
    } catch (error) {
      return { status: "rejected", scope: "broker", error: toMessagingError(error) };
    }
    try {
      const outcome = await send(message, deadlineAtMs, bounds.signal);
      const code = outcome.status === "confirmed" ? undefined : outcome.error.code;
      telemetry.instruments.sent(message.channel, 1, clock.monotonicMs() - startedMs, code);
      return outcome;
    } finally {
      leave();
    }
  };

  return {
    dispatch: (message, bounds) => {
      const running = run(message, bounds);
      underWay.add(running);
      void running.finally(() => underWay.delete(running));
      return running;
    },
    close: async () => {
      window.close();
      await Promise.all(underWay);
    },
    window,
  };
}

/** How long after its deadline a transport may still answer before core answers in its place. */
const graceMs = 250;

/** A transport must not reject; one that does has left every message with an unknown outcome. */
async function outcomesOf(
  publish: () => Promise<readonly PublishOutcome[]>,
  count: number,
): Promise<readonly PublishOutcome[]> {
  try {
    return await publish();
  } catch (error) {
    const outcome: PublishOutcome = { status: "unknown", scope: "broker", error: toMessagingError(error) };
    return Array.from({ length: count }, () => outcome);
  }
}

function unanswered(): PublishOutcome {
  const error = new MessagingError("TRANSPORT_FAILED", "The transport gave no outcome for this message.");
  return { status: "unknown", scope: "broker", error };
}
