import type { PublishOutcome, TransportPublisher } from "../contracts/transport.ts";
import type { StoredEvent } from "../contracts/outbox.ts";
import type { CodedError } from "../contracts/failure.ts";
import type { OutgoingMessage } from "../contracts/wire.ts";
import { encode } from "../envelope/encode.ts";
import { MessagingError, toMessagingError } from "../errors.ts";
import type { Window } from "../publish/window.ts";
import type { OutgoingSpan, Telemetry } from "../telemetry/telemetry.ts";

/*
 * One page of the outbox on its way to the broker. Keys go side by side, the events of one key one after another:
 * what is confirmed of a key is always a prefix.
 */

/** What became of one event of a page. `blocked`: it waited behind an event of its key that did not pass. */
export type PageOutcome =
  | { readonly event: StoredEvent; readonly status: "confirmed" | "blocked" }
  | { readonly event: StoredEvent; readonly status: "refused"; readonly error: CodedError }
  | { readonly event: StoredEvent; readonly status: "broker-down"; readonly error: CodedError };

export interface PagePublisher {
  publish(events: readonly StoredEvent[]): Promise<readonly PageOutcome[]>;
}

export interface PageSettings {
  readonly contentMode: "binary" | "structured";
  readonly deadlineMs: number;
}

export function createPagePublisher(
  target: TransportPublisher,
  window: Window,
  telemetry: Telemetry,
  settings: PageSettings,
): PagePublisher {
  const bounds = { deadlineMs: settings.deadlineMs };

  const publishRun = async (run: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    const { messages, refused } = encodeAll(run, settings.contentMode);
    const sendable = run.slice(0, messages.length);
    const outcomes = await sendWithin(
      window,
      telemetry,
      sendable,
      messages,
      (all) => target.publishRun(all, bounds),
      settings.deadlineMs,
    );
    return prefixOnly(run, outcomes, refused);
  };
  const publishSingles = async (events: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    const encoded = events.map((event) => ({ event, ...encodeAll([event], settings.contentMode) }));
    const good = encoded.filter((one) => one.messages.length === 1);
    const outcomes = await sendWithin(
      window,
      telemetry,
      good.map((one) => one.event),
      good.flatMap((one) => one.messages),
      (all) => target.publish(all, bounds),
      settings.deadlineMs,
    );
    const bad = encoded.flatMap((one) =>
      one.refused === undefined ? [] : [refusal(one.event, one.refused)],
    );
    return [...good.map((one, index) => judge(one.event, outcomes[index])), ...bad];
  };

  return {
    publish: async (events) => {
      const { runs, singles } = groupByKey(events);
      const parts = [...runs.map(publishRun)];
      if (singles.length > 0) parts.push(publishSingles(singles));
      return (await Promise.all(parts)).flat();
    },
  };
}

/** Keys with several events are runs; everything else goes in one batch. */
function groupByKey(events: readonly StoredEvent[]): { runs: StoredEvent[][]; singles: StoredEvent[] } {
  const byKey = new Map<string, StoredEvent[]>();
  const singles: StoredEvent[] = [];
  for (const event of events) {
    if (event.key === undefined) {
      singles.push(event);
      continue;
    }
    const group = byKey.get(orderKeyOf(event));
    if (group === undefined) byKey.set(orderKeyOf(event), [event]);
    else group.push(event);
  }
  const runs: StoredEvent[][] = [];
  for (const group of byKey.values()) {
    if (group.length === 1) singles.push(...group);
    else runs.push(group);
  }
  return { runs, singles };
}

/** Order is kept inside one channel and key: keys of two channels have nothing to do with each other. */
export function orderKeyOf(event: { readonly channel: string; readonly key?: string | undefined }): string {
  return `${event.channel}\n${event.key ?? ""}`;
}

function encodeAll(
  run: readonly StoredEvent[],
  mode: "binary" | "structured",
): { messages: OutgoingMessage[]; refused: CodedError | undefined } {
  const messages: OutgoingMessage[] = [];
  for (const event of run) {
    try {
      messages.push(encode(event, mode));
    } catch (error) {
      return { messages, refused: toMessagingError(error) };
    }
  }
  return { messages, refused: undefined };
}

async function sendWithin(
  window: Window,
  telemetry: Telemetry,
  events: readonly StoredEvent[],
  messages: readonly OutgoingMessage[],
  send: (messages: readonly OutgoingMessage[]) => Promise<readonly PublishOutcome[]>,
  deadlineMs: number,
): Promise<readonly PublishOutcome[]> {
  if (messages.length === 0) return [];
  const bytes = messages.reduce((sum, message) => sum + message.sizeBytes, 0);
  const spans = events.map((event) => telemetry.startSend(factsOf(event)));
  let leave: (() => void) | undefined;
  let outcomes: readonly PublishOutcome[];
  try {
    leave = await window.enter(bytes, deadlineMs);
    outcomes = await telemetry.untraced(() => send(messages));
  } catch (error) {
    outcomes = messages.map(() => ({ status: "unknown", scope: "broker", error: toMessagingError(error) }));
  } finally {
    leave?.();
  }
  endSpans(spans, outcomes);
  return outcomes;
}

function endSpans(spans: readonly OutgoingSpan[], outcomes: readonly PublishOutcome[]): void {
  for (const [index, span] of spans.entries()) {
    const outcome = outcomes[index];
    span.end(outcome === undefined || outcome.status === "confirmed" ? undefined : outcome.error);
  }
}

/** The confirmed prefix of a run, the event that stopped it, and those that wait behind it. */
function prefixOnly(
  run: readonly StoredEvent[],
  outcomes: readonly PublishOutcome[],
  refused: CodedError | undefined,
): PageOutcome[] {
  const judged: PageOutcome[] = [];
  let stopped = false;
  for (const [index, event] of run.entries()) {
    if (stopped) {
      judged.push({ event, status: "blocked" });
      continue;
    }
    const beyond = index >= outcomes.length && refused !== undefined;
    const outcome = beyond ? refusal(event, refused) : judge(event, outcomes[index]);
    judged.push(outcome);
    stopped = outcome.status !== "confirmed";
  }
  return judged;
}

function judge(event: StoredEvent, outcome: PublishOutcome | undefined): PageOutcome {
  if (outcome === undefined) {
    return {
      event,
      status: "broker-down",
      error: new MessagingError("TRANSPORT_FAILED", "The transport gave no outcome for this message."),
    };
  }
  if (outcome.status === "confirmed") return { event, status: "confirmed" };
  return { event, status: outcome.scope === "message" ? "refused" : "broker-down", error: outcome.error };
}

function refusal(event: StoredEvent, error: CodedError): PageOutcome {
  return { event, status: "refused", error };
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
