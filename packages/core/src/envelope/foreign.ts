import type { ExtensionValue } from "../contracts/sealed-event.ts";
import type { IncomingMessage } from "../contracts/wire.ts";
import type { MessagingError } from "../errors.ts";
import { readAttributes, type Attributes } from "./read-attributes.ts";
import { invalidEvent, undecodable } from "./refuse.ts";

/**
 * Turns messages of producers that know no CloudEvents into ones: asked only for a message that is none. Answers
 * undefined for what it does not know either.
 *
 * `source` and `id` together tell duplicates apart: take them from the message, never make them up.
 */
export type ForeignMapper = (incoming: IncomingMessage) => ForeignEvent | undefined;

/** The parts of a CloudEvent that a mapper found in a foreign message. */
export interface ForeignEvent {
  readonly type: string;
  readonly id: string;
  readonly source: string;
  /** As the handler's schema takes it: parsed, where the body is JSON. */
  readonly data: unknown;
  /** RFC 3339. */
  readonly time?: string | undefined;
  readonly subject?: string | undefined;
  /** Default: the key that the broker kept. */
  readonly key?: string | undefined;
  readonly tenant?: string | undefined;
  readonly datacontenttype?: string | undefined;
  /** Further attributes, `correlationid` among them. */
  readonly extensions?: Readonly<Record<string, ExtensionValue>> | undefined;
}

/** What a mapper made of a message, checked like any event. */
export interface MappedEvent {
  readonly attributes: Attributes;
  readonly data: unknown;
}

/**
 * @throws MessagingError CONTRACT_UNDECODABLE when the mapper throws: the next attempt would end the same way;
 * CONTRACT_INVALID_EVENT when what it made is no valid event.
 */
export function mapForeign(incoming: IncomingMessage, mapper: ForeignMapper): MappedEvent | undefined {
  const event = callMapper(incoming, mapper);
  if (event === undefined) return undefined;
  const { data, key, tenant, extensions, ...attributes } = event;
  const problems: string[] = [];
  const read = readAttributes(
    { ...extensions, ...attributes, specversion: "1.0", partitionkey: key, tenantid: tenant },
    problems,
  );
  if (problems.length > 0) throw invalid(incoming, problems);
  return { attributes: read, data };
}

function callMapper(incoming: IncomingMessage, mapper: ForeignMapper): ForeignEvent | undefined {
  try {
    return mapper(incoming);
  } catch (error) {
    throw undecodable("it is no CloudEvent, and the mapper for foreign messages threw.", {
      cause: error,
      context: { channel: incoming.channel },
    });
  }
}

function invalid(incoming: IncomingMessage, problems: readonly string[]): MessagingError {
  return invalidEvent("What the mapper for foreign messages made", problems, { channel: incoming.channel });
}
