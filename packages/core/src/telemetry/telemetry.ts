import {
  context,
  createContextKey,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
} from "@opentelemetry/api";
import { toError } from "../errors.ts";
import { shortText } from "../short-text.ts";
import { attribute } from "./attributes.ts";
import { baggageOf, withBaggage } from "./baggage.ts";
import { runInside, type Guard } from "./inside.ts";
import { createInstruments, type Instruments } from "./instruments.ts";
import { formatTraceContext, parseTraceContext, type TraceContext } from "./trace-context.ts";

/*
 * Spans and metrics of both paths, on `@opentelemetry/api` alone: with no SDK registered all of it does nothing.
 * Nothing that goes wrong here may reach a message: every call into the API is guarded, and faults are counted.
 */

/** What travels in traces, and how traces join. */
export interface TelemetryOptions {
  /** Baggage entries that travel with messages. Default: none, since baggage leaks easily. */
  readonly baggage?: readonly string[] | undefined;
  /** `parent`: a handler's span continues the message's trace; `link`: it starts its own and links. Default `parent`. */
  readonly consumerSpanRelation?: "parent" | "link" | undefined;
}

/** What a span needs to know of a message. */
export interface MessageFacts {
  readonly channel: string;
  readonly type: string;
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Of a sealed event, whose correlation id is one of them. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** A span of the publish path. */
export interface OutgoingSpan {
  /** What the message carries: its creation context. */
  readonly trace: TraceContext | undefined;
  readonly baggage: string | undefined;
  /** Adds what is known only after sealing. */
  describe(facts: MessageFacts): void;
  end(error?: unknown): void;
}

export interface ProcessFacts extends MessageFacts {
  readonly group: string;
  readonly attempt: number;
  /** The trace of the event itself, where the header's differs. */
  readonly extensionTraceparent?: string | undefined;
  readonly baggage?: unknown;
}

/** What a span tells of a domain event. Its data stays inside. */
export interface DomainEventFacts {
  readonly type: string;
  readonly id: string;
  readonly handler: string;
  readonly depth: number;
}

export interface Telemetry {
  /** The span of a direct publish: kind PRODUCER, ended when the broker confirmed. */
  startPublish(facts: MessageFacts): OutgoingSpan;
  /** The span of handing an event to the outbox: kind PRODUCER, its context is stored in the row. */
  startCreate(facts: MessageFacts): OutgoingSpan;
  /** The span of the relay sending one stored event: kind CLIENT, child of the creation context. */
  startSend(facts: MessageFacts): OutgoingSpan;
  /** Runs a handler inside its CONSUMER span. The span ends with the promise. */
  process<R>(facts: ProcessFacts, work: () => Promise<R>): Promise<R>;
  /** Runs a unit of work inside its span, of kind INTERNAL: database spans of the user become its children. */
  unitOfWork<R>(work: () => Promise<R>): Promise<R>;
  /** Runs a handler of a domain event inside its span, of kind INTERNAL. */
  handleDomainEvent<R>(facts: DomainEventFacts, work: () => Promise<R>): Promise<R>;
  /** The span that runs now, as W3C trace context; undefined for none. */
  traceparent(): string | undefined;
  /** Runs the client library of a broker with other instrumentations silenced: they would replace our headers. */
  untraced<R>(work: () => R): R;
  readonly instruments: Instruments;
  /** How often the API threw and was ignored. */
  faults(): number;
}

// The SDK's own key: `createContextKey` is `Symbol.for`, so the API package alone is enough.
const suppressTracing = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
const scope = "@postrider/core";

export function createTelemetry(system: string, options: TelemetryOptions = {}): Telemetry {
  const allowed = options.baggage ?? [];
  const sendName = system === "kafka" ? "send" : "publish";
  let faultCount = 0;
  const guard: Guard = (call, otherwise) => {
    try {
      return call();
    } catch {
      faultCount += 1;
      return otherwise;
    }
  };
  const tracer = () => trace.getTracer(scope);
  const base = (name: string, kind: string): Attributes => ({
    [attribute.system]: system,
    [attribute.systemOld]: system,
    [attribute.operationName]: name,
    [attribute.operationType]: kind,
  });

  const outgoing = (
    name: string,
    operation: string,
    kind: SpanKind,
    facts: MessageFacts,
    place: () => { readonly parent: Context; readonly links: Link[] },
  ) =>
    guard<OutgoingSpan>(() => {
      const { parent, links } = place();
      const attributes = { ...base(name, operation), ...attributesOf(facts) };
      const span = tracer().startSpan(`${name} ${facts.channel}`, { kind, attributes, links }, parent);
      return {
        trace: guard(() => formatTraceContext(span.spanContext()), undefined),
        baggage: guard(() => baggageOf(parent, allowed), undefined),
        describe: (more) =>
          guard(() => void (span.isRecording() && span.setAttributes(attributesOf(more))), undefined),
        end: (error) => guard(() => endSpan(span, error), undefined),
      };
    }, nothing);

  /** What the work returns or throws is its own; the span ends with its promise. */
  const within = async <R>(
    opened: { readonly span: Span; readonly inside: Context } | undefined,
    work: () => Promise<R>,
  ): Promise<R> => {
    if (opened === undefined) return work();
    try {
      const result = await runInside(guard, () => opened.inside, work);
      guard(() => endSpan(opened.span, undefined), undefined);
      return result;
    } catch (error) {
      guard(() => endSpan(opened.span, error ?? new Error("undefined was thrown")), undefined);
      throw error;
    }
  };

  const internal = <R>(name: string, attributes: Attributes, work: () => Promise<R>): Promise<R> =>
    within(
      guard(() => {
        const parent = context.active();
        const span = tracer().startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent);
        return { span, inside: trace.setSpan(parent, span) };
      }, undefined),
      work,
    );

  return {
    startPublish: (facts) => {
      // A message that was created elsewhere keeps that context: this span only links to it.
      const kind = facts.traceparent === undefined ? SpanKind.PRODUCER : SpanKind.CLIENT;
      return outgoing(sendName, "send", kind, facts, () => {
        const created = createdIn(facts);
        return { parent: context.active(), links: created === undefined ? [] : [{ context: created }] };
      });
    },
    startCreate: (facts) =>
      outgoing("create", "create", SpanKind.PRODUCER, facts, () => ({ parent: context.active(), links: [] })),
    startSend: (facts) =>
      outgoing(sendName, "send", SpanKind.CLIENT, facts, () => {
        const created = createdIn(facts);
        const parent = created === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, created);
        return { parent, links: [] };
      }),
    process: async (facts, work) => {
      const opened = guard(() => {
        const { parent, links } = placeProcess(facts, options.consumerSpanRelation ?? "parent");
        const attributes: Attributes = {
          ...base("process", "process"),
          ...attributesOf(facts),
          [attribute.group]: facts.group,
          [attribute.attempt]: facts.attempt,
        };
        const span = tracer().startSpan(
          `process ${facts.channel}`,
          { kind: SpanKind.CONSUMER, attributes, links },
          parent,
        );
        return { span, inside: withBaggage(trace.setSpan(parent, span), facts.baggage, allowed) };
      }, undefined);
      return within(opened, work);
    },
    unitOfWork: (work) => internal("unit of work", {}, work),
    handleDomainEvent: ({ type, id, handler, depth }, work) =>
      internal(
        `handle ${type}`,
        {
          [attribute.domainEventType]: type,
          [attribute.domainEventId]: id,
          [attribute.domainEventDepth]: depth,
          [attribute.handler]: handler,
        },
        work,
      ),
    traceparent: () =>
      guard(() => {
        const active = trace.getSpanContext(context.active());
        return active === undefined ? undefined : formatTraceContext(active)?.traceparent;
      }, undefined),
    untraced: (work) => runInside(guard, () => context.active().setValue(suppressTracing, true), work),
    instruments: guard(
      () => createInstruments(metrics.getMeter(scope), { sendName, base }, guard),
      createInstruments(undefined, { sendName, base }, guard),
    ),
    faults: () => faultCount,
  };
}

const nothing: OutgoingSpan = { trace: undefined, baggage: undefined, describe: () => {}, end: () => {} };

function createdIn(facts: MessageFacts) {
  return parseTraceContext(facts.traceparent, facts.tracestate);
}

/** Parent and links of a handler's span: the header's trace leads, a different one in the event is linked. */
function placeProcess(facts: ProcessFacts, relation: "parent" | "link"): { parent: Context; links: Link[] } {
  const active = context.active();
  const created = createdIn(facts) ?? parseTraceContext(facts.extensionTraceparent, facts.tracestate);
  const links: Link[] = created === undefined ? [] : [{ context: created }];
  const original = parseTraceContext(facts.extensionTraceparent, undefined);
  if (original !== undefined && created !== undefined && original.traceId !== created.traceId) {
    links.push({ context: original });
  }
  if (created === undefined) return { parent: active, links };
  const ambient = trace.getSpanContext(active);
  if (relation === "parent") {
    if (ambient !== undefined) links.push({ context: ambient });
    return { parent: trace.setSpanContext(active, created), links };
  }
  return { parent: trace.deleteSpan(active), links };
}

function attributesOf(facts: MessageFacts): Attributes {
  const attributes: Attributes = {
    [attribute.destination]: facts.channel,
    [attribute.eventType]: facts.type,
  };
  if (facts.id !== undefined) {
    attributes[attribute.messageId] = facts.id;
    attributes[attribute.eventId] = facts.id;
    attributes[attribute.eventSpecVersion] = "1.0";
  }
  if (facts.source !== undefined) attributes[attribute.eventSource] = facts.source;
  if (facts.subject !== undefined) attributes[attribute.eventSubject] = facts.subject;
  const conversation = facts.correlationId ?? facts.extensions?.["correlationid"];
  if (typeof conversation === "string") attributes[attribute.conversationId] = conversation;
  return attributes;
}

function endSpan(span: Span, error: unknown): void {
  try {
    if (error !== undefined) describeFailure(span, toError(error));
  } finally {
    span.end();
  }
}

function describeFailure(span: Span, error: Error): void {
  const { name, stack } = error;
  const code = "code" in error && typeof error.code === "string" ? error.code : name;
  const message = shortText(error.message);
  span.setAttribute(attribute.errorType, shortText(code, 128));
  span.recordException({
    ...("code" in error && typeof error.code === "string" ? { code: shortText(code, 128) } : {}),
    name: shortText(name, 128),
    message,
    ...(typeof stack === "string" ? { stack: shortText(stack, 4_096) } : {}),
  });
  span.setStatus({ code: SpanStatusCode.ERROR, message: shortText(message, 256) });
}
