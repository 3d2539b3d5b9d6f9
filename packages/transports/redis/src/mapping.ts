import { isUtf8 } from "node:buffer";
import type { IncomingMessage, OutgoingMessage } from "@postrider/core";
import type { StreamEntry } from "./streams/entry.ts";

/*
 * CloudEvents have no binding for Redis Streams. An entry is a list of fields, so it is written like the binary mode of
 * Kafka: attributes as `ce_*`, the media type as `content-type`, the bytes as `data`, and headers by their own names.
 */

/** The fields of an entry as ioredis takes them: names and values in turn. */
export interface NativeMessage {
  readonly fields: readonly (string | Buffer)[];
}

/** Fields of this transport's own: they are for the next hop, and are not handed over. */
const own = {
  attempt: "postrider-attempt",
  channel: "postrider-channel",
  key: "postrider-key",
  noKey: "postrider-no-key",
  empty: "postrider-empty",
} as const;
const ownNames: ReadonlySet<string> = new Set(Object.values(own));

const attributePrefix = "ce_";
const contentTypeField = "content-type";
const dataField = "data";
/** Put before a header whose name means something else. */
const headerPrefix = "header:";

export function toNative(message: OutgoingMessage): NativeMessage {
  const { attributes, headers, contentType, body, key } = message;
  const fields: (string | Buffer)[] = [];
  for (const name of Object.keys(attributes)) fields.push(attributePrefix + name, attributes[name] ?? "");
  for (const name of Object.keys(headers)) fields.push(fieldOf(name), headers[name] ?? "");
  if (contentType !== undefined) fields.push(contentTypeField, contentType);
  // As a rule the key travels as `partitionkey`; where it does not, or that is no key, a field says so.
  if (attributes["partitionkey"] !== key)
    fields.push(...(key === undefined ? [own.noKey, "1"] : [own.key, key]));
  if (body !== undefined) fields.push(dataField, Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  // An entry cannot be without fields.
  if (fields.length === 0) fields.push(own.empty, "1");
  return { fields };
}

/** A dead letter leaves its stream behind: what it was published to travels in a field. */
export function toNativeLetter(letter: OutgoingMessage): NativeMessage {
  return { fields: [...toNative(letter).fields, own.channel, letter.channel] };
}

/** The same message once more for the same group, byte for byte, as attempt number `attempt`. */
export function toNativeCopy(entry: StreamEntry, attempt: number, channel: string): NativeMessage {
  const kept: (string | Buffer)[] = [];
  forEachField(entry, (name, value, nameBytes) => {
    if (name !== own.attempt && name !== own.channel) kept.push(nameBytes, value);
  });
  return { fields: [...kept, own.attempt, String(attempt), own.channel, channelOf(entry, channel)] };
}

/** `channel` is that of the stream, for what was not noted otherwise. */
export function fromNative(entry: StreamEntry, channel: string): IncomingMessage {
  const raw = readFields(entry);
  const structured = raw.contentType !== undefined && /^application\/cloudevents/i.test(raw.contentType);
  const binary = raw.attributes["specversion"] !== undefined;
  // In structured mode they only repeat what the body says; without a version it is no CloudEvent.
  const attributes = binary && !structured ? raw.attributes : {};
  const headers = binary ? raw.headers : { ...raw.headers, ...prefixed(raw.attributes) };
  return {
    channel: raw.own.get(own.channel) ?? channel,
    key: raw.own.get(own.key) ?? (raw.own.has(own.noKey) ? undefined : attributes["partitionkey"]),
    attributes,
    headers,
    contentType: raw.contentType,
    body: raw.body,
  };
}

/** The attempt that this delivery is: what earlier hops noted, and the deliveries of this entry that came to nothing. */
export function attemptOf(entry: StreamEntry): number {
  return notedAttempt(entry) + entry.deliveries - 1;
}

/** True for a copy made by a retry or a release, and for what was given to a consumer before. */
export function isRedelivered(entry: StreamEntry): boolean {
  return entry.deliveries > 1 || entry.returned === true || textIn(entry, own.attempt) !== undefined;
}

export function originOf(entry: StreamEntry, stream: string): Readonly<Record<string, string | number>> {
  return { stream, entryId: entry.id };
}

function channelOf(entry: StreamEntry, channel: string): string {
  return textIn(entry, own.channel) ?? channel;
}

function notedAttempt(entry: StreamEntry): number {
  const noted = Number(textIn(entry, own.attempt));
  return Number.isSafeInteger(noted) && noted >= 1 ? noted : 1;
}

function fieldOf(header: string): string {
  const taken =
    header === dataField ||
    header === contentTypeField ||
    header.startsWith(attributePrefix) ||
    header.startsWith(headerPrefix) ||
    ownNames.has(header);
  return taken ? headerPrefix + header : header;
}

interface Read {
  readonly attributes: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly own: ReadonlyMap<string, string>;
  readonly contentType: string | undefined;
  readonly body: Uint8Array | undefined;
}

function readFields(entry: StreamEntry): Read {
  const attributes: Record<string, string> = {};
  const headers: Record<string, string> = {};
  const noted = new Map<string, string>();
  let contentType: string | undefined;
  let body: Uint8Array | undefined;
  forEachField(entry, (name, value) => {
    if (name === dataField)
      // A copy: what a handler changes in it does not reach the entry that is kept for a retry.
      body = Buffer.from(value);
    else if (name === contentTypeField) contentType = textOf(value);
    else if (ownNames.has(name)) noted.set(name, textOf(value));
    else if (name.startsWith(attributePrefix))
      attributes[name.slice(attributePrefix.length).toLowerCase()] = textOf(value);
    else headers[name.startsWith(headerPrefix) ? name.slice(headerPrefix.length) : name] = textOf(value);
  });
  return { attributes, headers, own: noted, contentType, body };
}

function prefixed(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [attributePrefix + name, value]),
  );
}

function forEachField(
  { fields }: StreamEntry,
  visit: (name: string, value: Buffer, nameBytes: Buffer) => void,
): void {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [fields[at], fields[at + 1]];
    if (name !== undefined && value !== undefined) visit(textOf(name), value, name);
  }
}

function textIn({ fields }: StreamEntry, wanted: string): string | undefined {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at];
    const value = fields[at + 1];
    if (name?.length === wanted.length && value !== undefined && name.toString("latin1") === wanted)
      return textOf(value);
  }
  return undefined;
}

/** Fields hold bytes; what is no text is told in base64. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? "utf8" : "base64");
}
