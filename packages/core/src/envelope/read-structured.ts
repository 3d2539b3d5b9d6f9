import { bytesOfBase64 } from "./base64.ts";
import { dataOf } from "./body-data.ts";
import { contentKind } from "./media-type.ts";
import { readAttributes, type Attributes } from "./read-attributes.ts";
import { invalidEvent, undecodable } from "./refuse.ts";

/** An event read from the JSON format. */
export interface StructuredEvent {
  readonly attributes: Attributes;
  readonly data: unknown;
  /** The bytes of the data, written when asked for. */
  readonly payload: () => Uint8Array | undefined;
}

/**
 * An event of the JSON format, from parsed JSON. `data` null is data, an absent `data` is none; the bytes of
 * `data_base64` are read by `datacontenttype` like a body.
 *
 * @throws MessagingError CONTRACT_UNDECODABLE for JSON that is no object and for bytes that are not what their content
 * type says; CONTRACT_INVALID_EVENT with everything else that is wrong.
 */
export function readStructured(json: unknown, context: Readonly<Record<string, unknown>>): StructuredEvent {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw undecodable("its body is JSON, but no object.", { context });
  }
  const { data, data_base64: base64, ...members } = json as Record<string, unknown>;
  const problems: string[] = [];
  const attributes = readAttributes(members, problems);
  const bytes = bytesOf(base64, problems);
  if (bytes !== undefined && data !== undefined) problems.push("data: must not stand beside data_base64");
  if (problems.length > 0) throw invalidEvent("The message", problems, context);
  const { datacontenttype } = attributes;
  return bytes === undefined
    ? { attributes, data, payload: () => payloadOf(data, datacontenttype) }
    : { attributes, data: dataOf(bytes, datacontenttype), payload: () => bytes };
}

function bytesOf(base64: unknown, problems: string[]): Uint8Array | undefined {
  if (base64 === undefined || base64 === null) return undefined;
  const bytes = typeof base64 === "string" ? bytesOfBase64(base64) : undefined;
  if (bytes === undefined) problems.push("data_base64: must be base64 text of RFC 4648");
  return bytes;
}

/** No content type means JSON here. A string under another content type is that text. */
function payloadOf(data: unknown, contentType: string | undefined): Uint8Array | undefined {
  if (data === undefined) return undefined;
  const isText = typeof data === "string" && contentType !== undefined && contentKind(contentType) !== "json";
  return Buffer.from(isText ? data : JSON.stringify(data), "utf8");
}
