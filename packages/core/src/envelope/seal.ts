import type { Clock } from "../contracts/clock.ts";
import type { SealedEvent } from "../contracts/sealed-event.ts";
import { isMessagingError, MessagingError, OptionsError, toError } from "../errors.ts";
import type { DefinitionParts } from "../event/definition-parts.ts";
import type { DraftParts } from "../event/draft.ts";
import { validate, validateSync } from "../event/validate.ts";
import { problemOfAttribute, problemOfText, tenantAttribute } from "./attributes.ts";
import { check, checkFilled, extensionsOf, keyOf, timeOf } from "./draft-attributes.ts";
import type { Lineage } from "./lineage.ts";
import { invalidEvent } from "./refuse.ts";
import { serialize, type Payload } from "./serialize.ts";
import { shardOf } from "./shard.ts";

/*
 * From a draft to a sealed event: the first step of the publish path. Validated by the definition's schema, serialised
 * once, every attribute decided and checked. Nothing is durable yet: the outbox row or the broker's confirm comes next.
 */

export interface SealerOptions {
  /** CloudEvents `source` of what this service sends: a URI-reference. */
  readonly source: string;
  readonly newId: () => string;
  readonly clock: Clock;
}

/** What the moment of publishing adds to a draft. */
export interface SealingContext {
  /** Of the message being handled, if any. */
  readonly lineage?: Lineage | undefined;
  readonly trace?: Trace | undefined;
  /** Ordering key; goes before the draft's and the definition's. */
  readonly key?: string | undefined;
}
/** W3C trace context at the time of sealing. */
export interface Trace {
  readonly traceparent: string | undefined;
  readonly tracestate?: string | undefined;
}

/** Seals the drafts of one service. */
export interface Sealer {
  /**
   * The sealed event, at once when the definition's schema is synchronous, else as a promise.
   *
   * The data travels as it was given: the schema's input. The key is made of the schema's output.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA), MessagingError CONTRACT_NOT_SERIALIZABLE, or
   * CONTRACT_INVALID_EVENT with everything wrong in the attributes and the key, or for a schema that throws; in a promise
   * when there is one.
   */
  seal(draft: Draft, parts: DraftParts, context?: SealingContext): SealedEvent | Promise<SealedEvent>;
  /** Like `seal`, where nothing can be awaited. Fails with CONTRACT_ASYNC_SCHEMA for an asynchronous schema. */
  sealSync(draft: Draft, parts: DraftParts, context?: SealingContext): SealedEvent;
}
interface Draft {
  readonly data: unknown;
}

const noContext: SealingContext = {};

/** @throws OptionsError (CONFIG_INVALID) when `source` is no URI-reference. */
export function createSealer(options: SealerOptions): Sealer {
  const problem = problemOfAttribute("source", options.source);
  if (problem !== undefined) throw new OptionsError("The source of this service's events", [problem]);
  const { source, newId } = options;
  const now = timestamps(options.clock);

  const finish = (
    data: unknown,
    parts: DraftParts,
    context: SealingContext,
    output: unknown,
  ): SealedEvent => {
    const { definition, options: own } = parts;
    const problems: string[] = [];
    const key = keyOf(definition, own, context.key, output, problems);
    const id = own.id ?? newId();
    const extensions = extensionsOf(id, own.extensions, context.lineage, problems);
    const time = own.time === undefined ? now() : timeOf(own.time, problems);
    const tenant = own.tenant ?? context.lineage?.tenant;
    check("id", own.id, problems);
    check("subject", own.subject, problems);
    if (tenant !== undefined) checkFilled(tenantAttribute, tenant, problems);
    if (problems.length > 0)
      throw invalidEvent(`This '${definition.type}'`, problems, { type: definition.type });
    return sealed(definition, serialize(definition.type, data), {
      id,
      source,
      time,
      subject: own.subject,
      key,
      extensions,
      traceparent: traceText(context.trace?.traceparent),
      tracestate: traceText(context.trace?.tracestate),
      tenant,
    });
  };

  return {
    seal(draft, parts, context = noContext) {
      const { type, schema } = parts.definition;
      const output = told(type, () => validate(type, schema, draft.data));
      return output instanceof Promise
        ? output
            .catch((thrown: unknown) => refuseSchema(type, thrown))
            .then((late: unknown) => finish(draft.data, parts, context, late))
        : finish(draft.data, parts, context, output);
    },
    sealSync(draft, parts, context = noContext) {
      const { type, schema } = parts.definition;
      const output = told(type, () => validateSync(type, schema, draft.data));
      return finish(draft.data, parts, context, output);
    },
  };
}

function told<R>(type: string, check: () => R): R {
  try {
    return check();
  } catch (thrown) {
    return refuseSchema(type, thrown);
  }
}

/** Its own words stay with the cause: they may repeat the data. */
function refuseSchema(type: string, thrown: unknown): never {
  if (isMessagingError(thrown)) throw thrown;
  throw new MessagingError(
    "CONTRACT_INVALID_EVENT",
    `The schema of '${type}' threw (${toError(thrown).name}) instead of saying whether the data matches; see the cause.`,
    { cause: thrown, context: { type } },
  );
}

/** Tracing never keeps an event from being published: what cannot be an attribute is left out. */
function traceText(value: string | undefined): string | undefined {
  return value === undefined || problemOfText("trace", value) !== undefined ? undefined : value;
}

type Decided = Pick<
  SealedEvent,
  "id" | "source" | "time" | "subject" | "key" | "extensions" | "traceparent" | "tracestate" | "tenant"
>;

// One literal with all members in one order: every sealed event has the same hidden class.
// Type, channel and dataschema were checked once, when the message was defined.
function sealed(
  definition: DefinitionParts,
  { payload, contentType }: Payload,
  decided: Decided,
): SealedEvent {
  return {
    id: decided.id,
    source: decided.source,
    type: definition.type,
    specversion: "1.0",
    time: decided.time,
    subject: decided.subject,
    contentType,
    dataschema: definition.dataschema,
    channel: definition.channel,
    key: decided.key,
    shard: shardOf(decided.key ?? decided.id),
    payload,
    extensions: decided.extensions,
    traceparent: decided.traceparent,
    tracestate: decided.tracestate,
    tenant: decided.tenant,
  };
}

/** The current time as RFC 3339 in milliseconds; formatted once per millisecond, since that costs a microsecond. */
function timestamps(clock: Clock): () => string {
  let ms = Number.NaN;
  let text = "";
  return () => {
    const now = clock.now();
    if (now !== ms) {
      ms = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}
