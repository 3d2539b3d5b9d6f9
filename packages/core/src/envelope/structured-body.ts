import type { SealedEvent } from "../contracts/sealed-event.ts";
import { tenantAttribute } from "./attributes.ts";
import { base64Of } from "./base64.ts";
import { exactTextOf } from "./body-text.ts";
import { contentKind } from "./media-type.ts";

/**
 * The event in the JSON format of CloudEvents. JSON data is put in as the text it is, so that numbers, the order of
 * members and white space stay; text becomes a string; other bytes, and bytes that are not what their content type
 * says, become `data_base64`.
 */
export function structuredBody(event: SealedEvent): Uint8Array {
  let text = `{"specversion":"1.0","id":${quote(event.id)},"source":${quote(event.source)},"type":${quote(event.type)}`;
  text += member("time", event.time);
  text += member("subject", event.subject);
  text += member("datacontenttype", event.contentType);
  text += member("dataschema", event.dataschema);
  text += member("partitionkey", event.key);
  text += member("traceparent", event.traceparent);
  text += member("tracestate", event.tracestate);
  text += member(tenantAttribute, event.tenant);
  for (const name of Object.keys(event.extensions)) text += member(name, event.extensions[name]);
  return Buffer.from(`${text}${dataMember(event.payload, event.contentType)}}`, "utf8");
}

function member(name: string, value: string | number | boolean | undefined): string {
  if (value === undefined) return "";
  return `,"${name}":${typeof value === "string" ? quote(value) : String(value)}`;
}

function dataMember(payload: Uint8Array | undefined, contentType: string | undefined): string {
  if (payload === undefined) return "";
  const text = dataText(payload, contentType);
  return text === undefined ? `,"data_base64":"${base64Of(payload)}"` : `,"data":${text}`;
}

function dataText(payload: Uint8Array, contentType: string | undefined): string | undefined {
  const kind = contentKind(contentType);
  if (kind === "bytes") return undefined;
  const text = exactTextOf(payload);
  if (text === undefined) return undefined;
  return kind === "text" ? quote(text) : jsonOnly(text);
}

/**
 * Rows of an outbox can be written by others and events be forwarded: unchecked, a payload such as `1,"id":"x"` would
 * write attributes. The parse costs about as much as the rest of the encoding; its result is thrown away.
 */
function jsonOnly(text: string): string | undefined {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
