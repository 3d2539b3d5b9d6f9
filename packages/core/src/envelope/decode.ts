import type { Message } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import type { IncomingMessage } from "../contracts/wire.ts";
import { dataOf, maxJsonBytes, parseJson } from "./body-data.ts";
import { mapForeign, type ForeignMapper } from "./foreign.ts";
import { structuredFormat } from "./media-type.ts";
import { messageOf } from "./message-of.ts";
import { readAttributes, type Attributes } from "./read-attributes.ts";
import { readStructured } from "./read-structured.ts";
import { invalidEvent, undecodable } from "./refuse.ts";

/*
 * From the bytes of a broker to a message: the first step of the consume path. Nothing in the message is trusted.
 * What is refused here is dead-lettered with its bytes, since trying again cannot help.
 */

export interface Decoded {
  readonly message: Message;
  /**
   * Attributes that `Message` does not name. Strings in binary mode, where types are not written; with their types in
   * structured mode. Without prototype.
   */
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
  /** The bytes of the data. In structured mode JSON data is written anew, which can change numbers and white space. */
  readonly payload: Uint8Array | undefined;
  readonly mode: "binary" | "structured" | "foreign";
  /** The extension attribute `tenantid`. */
  readonly tenant: string | undefined;
  /** The ordering key: the attribute `partitionkey`, else what the broker kept. */
  readonly key: string | undefined;
}

/**
 * The message in what came from a broker, in either content mode: structured when the content type says so, binary
 * when there is a `specversion` attribute, structured when the body is a JSON object with a `specversion`.
 *
 * @param foreign Asked for what is no CloudEvent. Default: such messages are refused.
 * @throws MessagingError CONTRACT_INVALID_EVENT with everything wrong in its attributes; CONTRACT_UNDECODABLE when it
 * is no CloudEvent, or its data is not what its content type says. Nothing else, whatever the bytes.
 */
export function decode(incoming: IncomingMessage, foreign?: ForeignMapper): Decoded {
  const { channel, contentType, attributes } = incoming;
  switch (structuredFormat(contentType)) {
    case "json":
      return decodeStructured(incoming);
    case "batch":
      throw undecodable("it is a batch of CloudEvents, which brokers do not carry.", {
        context: { channel },
      });
    case "unknown":
      throw undecodable("it is a CloudEvent in a format other than JSON.", { context: { channel } });
    default:
      return Object.hasOwn(attributes, "specversion")
        ? decodeBinary(incoming)
        : decodeUnannounced(incoming, foreign);
  }
}

function decodeBinary(incoming: IncomingMessage): Decoded {
  const problems: string[] = [];
  const attributes = readAttributes(withContentType(incoming), problems);
  if (problems.length > 0) throw invalidEvent("The message", problems, { channel: incoming.channel });
  const data = dataOf(incoming.body, attributes.datacontenttype);
  return decoded(incoming, { attributes, data, mode: "binary", payload: incoming.body });
}

/** The message's own content type is `datacontenttype`. An attribute of that name counts only in its absence. */
function withContentType({ attributes, contentType }: IncomingMessage): Readonly<Record<string, string>> {
  return contentType === undefined ? attributes : { ...attributes, datacontenttype: contentType };
}

function decodeStructured(incoming: IncomingMessage): Decoded {
  if (incoming.body === undefined) throw undecodable("its content type says CloudEvent, and it has no body.");
  const json = parseJson(incoming.body, "its body");
  return fromStructured(incoming, json);
}

function fromStructured(incoming: IncomingMessage, json: unknown): Decoded {
  const { attributes, data, payload } = readStructured(json, { channel: incoming.channel });
  return {
    ...decoded(incoming, { attributes, data, mode: "structured", payload: undefined }),
    // Few look at it, and writing it costs as much as parsing.
    get payload() {
      return payload();
    },
  };
}

/** Neither the content type nor an attribute announces a CloudEvent. The body may still be one. */
function decodeUnannounced(incoming: IncomingMessage, mapper: ForeignMapper | undefined): Decoded {
  const json = sniff(incoming.body);
  if (json !== undefined) return fromStructured(incoming, json);
  const mapped = mapper === undefined ? undefined : mapForeign(incoming, mapper);
  if (mapped !== undefined) return decoded(incoming, { ...mapped, mode: "foreign", payload: incoming.body });
  const some = ["id", "source", "type"].some((name) => Object.hasOwn(incoming.attributes, name));
  if (some) return decodeBinary(incoming); // which says that specversion is missing, and what else
  throw undecodable("it has no 'specversion' attribute, and its body is no CloudEvent in JSON.", {
    context: { channel: incoming.channel },
  });
}

/** The body as JSON when it is an object with a member `specversion`. */
function sniff(body: Uint8Array | undefined): object | undefined {
  if (body === undefined || body.byteLength > maxJsonBytes || !beginsWithBrace(body)) return undefined;
  try {
    const json = parseJson(body, "its body");
    return typeof json === "object" && json !== null && Object.hasOwn(json, "specversion") ? json : undefined;
  } catch {
    return undefined; // no JSON: then no CloudEvent either
  }
}

/** Past a byte order mark and white space. */
function beginsWithBrace(body: Uint8Array): boolean {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at += 1;
  return body[at] === 0x7b;
}

interface Read {
  readonly attributes: Attributes;
  readonly data: unknown;
  readonly mode: Decoded["mode"];
  readonly payload: Uint8Array | undefined;
}

function decoded(incoming: IncomingMessage, { attributes, data, mode, payload }: Read): Decoded {
  const { partitionkey } = attributes;
  return {
    message: messageOf(attributes, data),
    extensions: attributes.extensions,
    payload,
    mode,
    tenant: attributes.tenant,
    key: partitionkey === undefined || partitionkey === "" ? incoming.key : partitionkey,
  };
}
