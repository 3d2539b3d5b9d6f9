import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { OutgoingMessage } from "../contracts/wire.ts";
import { replyChannel } from "../request/address.ts";
import { tenantAttribute } from "./attributes.ts";
import { structuredContentType } from "./media-type.ts";
import { structuredBody } from "./structured-body.ts";

/** Where the attributes stand: `binary` beside the data, in the broker's headers; `structured` around it, in JSON. */
export type ContentMode = "binary" | "structured";

/**
 * A sealed event as a transport takes it. Every attribute travels: the ordering key as `partitionkey`, the tenant as
 * `tenantid`; `datacontenttype` is the content type of the message. The trace context also stands in the headers, with
 * the same values, where tracing of other makes looks for it.
 *
 * Binary mode writes every attribute as its canonical string; structured mode keeps the types of extensions.
 */
export function encode(event: SealedEvent, mode: ContentMode): OutgoingMessage {
  return mode === "binary" ? encodeBinary(event) : encodeStructured(event);
}

function encodeBinary(event: SealedEvent): OutgoingMessage {
  const attributes = attributesOf(event);
  return outgoing(event, attributes, event.contentType, event.payload);
}

function encodeStructured(event: SealedEvent): OutgoingMessage {
  return outgoing(event, noAttributes, structuredContentType, structuredBody(event));
}

const noAttributes: Readonly<Record<string, string>> = Object.freeze({});

/** In one order always, the required ones first. */
function attributesOf(event: SealedEvent): Record<string, string> {
  const attributes: Record<string, string> = {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
  };
  if (event.time !== undefined) attributes["time"] = event.time;
  if (event.subject !== undefined) attributes["subject"] = event.subject;
  if (event.dataschema !== undefined) attributes["dataschema"] = event.dataschema;
  if (event.key !== undefined) attributes["partitionkey"] = event.key;
  if (event.traceparent !== undefined) attributes["traceparent"] = event.traceparent;
  if (event.tracestate !== undefined) attributes["tracestate"] = event.tracestate;
  if (event.tenant !== undefined) attributes[tenantAttribute] = event.tenant;
  for (const name of Object.keys(event.extensions)) attributes[name] = String(event.extensions[name]);
  return attributes;
}

function outgoing(
  event: SealedEvent,
  attributes: Readonly<Record<string, string>>,
  contentType: string | undefined,
  body: Uint8Array | undefined,
): OutgoingMessage {
  const headers = traceHeaders(event);
  return {
    attributes,
    headers,
    contentType,
    body,
    channel: event.channel,
    type: event.type,
    key: event.key,
    shard: event.shard,
    messageId: `${event.source}#${event.id}`,
    sizeBytes: sizeOf(attributes, headers, contentType, body),
    unheard: event.channel === replyChannel ? "fine" : undefined,
  };
}

function traceHeaders({ traceparent, tracestate }: SealedEvent): Record<string, string> {
  const headers: Record<string, string> = {};
  if (traceparent !== undefined) headers["traceparent"] = traceparent;
  if (tracestate !== undefined) headers["tracestate"] = tracestate;
  return headers;
}

/** Names and values of attributes and headers, the content type and the body, in UTF-8. */
export function sizeOf(
  attributes: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
  contentType: string | undefined,
  body: Uint8Array | undefined,
): number {
  return (
    sizeOfEntries(attributes) +
    sizeOfEntries(headers) +
    Buffer.byteLength(contentType ?? "") +
    (body?.byteLength ?? 0)
  );
}

function sizeOfEntries(entries: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name of Object.keys(entries))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(entries[name] ?? "");
  return bytes;
}
