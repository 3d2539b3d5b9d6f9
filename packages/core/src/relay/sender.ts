import type { Clock } from "../contracts/clock.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import type { PublishBounds, PublishOutcome, TransportPublisher } from "../contracts/transport.ts";
import type { OutgoingMessage } from "../contracts/wire.ts";
import { toMessagingError } from "../errors.ts";
import { graceMs, noAnswer, notSent, outcomesOf, unknown } from "../publish/outcomes.ts";
import type { Window } from "../publish/window.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";

/** An event of the outbox, and the message that it becomes. */
export interface Sendable {
  readonly event: StoredEvent;
  readonly message: OutgoingMessage;
}

export interface SenderParts {
  readonly target: TransportPublisher;
  readonly window: Window;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Of one call. A single message that is larger goes alone. */
  readonly maxBytes: number;
}

/** One outcome per message, in order. Never rejects, and answers by the deadline, whatever the transport does. */
export interface Sender {
  /** Messages that have nothing to do with each other. */
  sendBatch(batch: readonly Sendable[]): Promise<readonly PublishOutcome[]>;
  /** Messages of one key: nothing is sent behind one that was not confirmed, and has no outcome then. */
  sendRun(run: readonly Sendable[]): Promise<readonly PublishOutcome[]>;
}

type Send = (
  messages: readonly OutgoingMessage[],
  bounds: PublishBounds,
) => Promise<readonly PublishOutcome[]>;

export function createSender(parts: SenderParts): Sender {
  const { target, window, telemetry, clock, deadlineMs, maxBytes } = parts;

  const answersTo = async (messages: readonly OutgoingMessage[], send: Send) => {
    let leave: (() => void) | undefined;
    try {
      leave = await window.enter(bytesOf(messages), deadlineMs);
      const publish = () => telemetry.untraced(() => send(messages, { deadlineMs }));
      const late = () => {
        const outcome = unknown(noAnswer(`${messages.length} events of the outbox`));
        return messages.map(() => outcome);
      };
      return await inTime(outcomesOf(publish, messages.length), deadlineMs + graceMs, clock, late);
    } catch (error) {
      return messages.map(() => notSent(toMessagingError(error)));
    } finally {
      leave?.();
    }
  };

  const send = async (part: readonly Sendable[], call: Send): Promise<readonly PublishOutcome[]> => {
    const startedMs = clock.monotonicMs();
    const spans = part.map(({ event }) => telemetry.startSend(factsOf(event)));
    const outcomes = await answersTo(
      part.map(({ message }) => message),
      call,
    );
    const tookMs = clock.monotonicMs() - startedMs;
    for (const [index, { event }] of part.entries())
      note(telemetry, event.channel, spans[index], outcomes[index], tookMs);
    return outcomes;
  };

  return {
    sendBatch: async (batch) => {
      const sends = chunksOf(batch, maxBytes).map((part) =>
        send(part, (messages, bounds) => target.publish(messages, bounds)),
      );
      return (await Promise.all(sends)).flat();
    },
    sendRun: async (run) => {
      const outcomes: PublishOutcome[] = [];
      for (const part of chunksOf(run, maxBytes)) {
        outcomes.push(...(await send(part, (messages, bounds) => target.publishRun(messages, bounds))));
        if (outcomes.some(({ status }) => status !== "confirmed")) break;
      }
      return outcomes;
    },
  };
}

/** A transport that never answers must not stop the relay, which would keep its lease for ever. */
function inTime<R>(answer: Promise<R>, withinMs: number, clock: Clock, late: () => R): Promise<R> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(withinMs, () => resolve(late()));
    answer.finally(cancel).then(resolve, reject);
  });
}

function chunksOf(all: readonly Sendable[], maxBytes: number): Sendable[][] {
  const chunks: Sendable[][] = [];
  let bytes = 0;
  for (const one of all) {
    const chunk = chunks.at(-1);
    bytes += one.message.sizeBytes;
    if (chunk !== undefined && bytes <= maxBytes) chunk.push(one);
    else {
      chunks.push([one]);
      bytes = one.message.sizeBytes;
    }
  }
  return chunks;
}

function bytesOf(messages: readonly OutgoingMessage[]): number {
  return messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function note(
  telemetry: Telemetry,
  channel: string,
  span: OutgoingSpan | undefined,
  outcome: PublishOutcome | undefined,
  tookMs: number,
): void {
  const error = outcome === undefined || outcome.status === "confirmed" ? undefined : outcome.error;
  span?.end(error);
  telemetry.instruments.sent(channel, 1, tookMs, error?.code);
}

function factsOf(event: StoredEvent) {
  const correlationId = event.extensions["correlationid"];
  return {
    channel: event.channel,
    type: event.type,
    id: event.id,
    source: event.source,
    subject: event.subject,
    correlationId: typeof correlationId === "string" ? correlationId : undefined,
    traceparent: event.traceparent,
    tracestate: event.tracestate,
  };
}
