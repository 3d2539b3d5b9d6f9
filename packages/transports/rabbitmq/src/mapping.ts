import { isUtf8 } from "node:buffer";
import type { IncomingMessage, OutgoingMessage } from "@postrider/core";
import type { ConsumeMessage, Options } from "amqplib";
import type { AttributePrefix } from "./amqp/attribute-prefix.ts";

/*
 * CloudEvents have no official binding for AMQP 0-9-1. Written is that for AMQP 1.0, to which the broker itself turns
 * such a message for AMQP 1.0 consumers; read are its two prefixes and the `ce-` of others.
 */

/** Headers of this transport's own: they are for the next hop, and are not handed over. */
const ownHeaders = {
  attempt: "postrider-attempt",
  channel: "postrider-channel",
  key: "postrider-key",
  noData: "postrider-no-data",
} as const;

/** The properties of a message as amqplib takes them; what is undefined is not sent. */
type NativeProperties = { -readonly [K in keyof Options.Publish]: Options.Publish[K] | undefined };

/** A message as amqplib takes it. */
export interface NativeMessage {
  readonly content: Buffer;
  readonly properties: NativeProperties;
}

type Headers = Record<string, unknown>;

/** Short strings of AMQP hold 255 bytes; a property that repeats an attribute and does not fit is left out. */
const fitsShort = (text: string): boolean => text.length <= 85 || Buffer.byteLength(text) <= 255;
const shortened = (text: string | undefined): string | undefined =>
  text !== undefined && fitsShort(text) ? text : undefined;

const noContent: Buffer = Buffer.alloc(0);

export function toNative(message: OutgoingMessage, prefix: AttributePrefix): NativeMessage {
  const { attributes, body, key } = message;
  const headers: Headers = {};
  for (const name of Object.keys(attributes)) headers[prefix + name] = attributes[name];
  for (const name of Object.keys(message.headers)) headers[name] = message.headers[name];
  // As a rule the key travels as `partitionkey`; where it does not, or that is no key, a header says so.
  if (attributes["partitionkey"] !== key) headers[ownHeaders.key] = key ?? false;
  if (body === undefined) headers[ownHeaders.noData] = "1";
  return {
    content: body === undefined ? noContent : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    properties: {
      headers,
      contentType: message.contentType,
      deliveryMode: 2,
      messageId: shortened(attributes["id"] ?? message.messageId),
      correlationId: shortened(attributes["correlationid"]),
      timestamp: secondsOf(attributes["time"]),
      type: shortened(message.type),
      appId: shortened(attributes["source"]),
    },
  };
}

/** A dead letter leaves the exchanges behind: what it was published to travels in a header. */
export function toNativeLetter(letter: OutgoingMessage, prefix: AttributePrefix): NativeMessage {
  const { content, properties } = toNative(letter, prefix);
  return {
    content,
    properties: {
      ...properties,
      headers: { ...headersOf(properties), [ownHeaders.channel]: letter.channel },
    },
  };
}

/** The same message once more for the same queue, byte for byte, as attempt number `attempt`. */
export function toNativeCopy(message: ConsumeMessage, attempt: number, namePrefix: string): NativeMessage {
  const { headers = {}, ...properties } = message.properties;
  const kept: Headers = {};
  for (const name of Object.keys(headers)) if (!isBrokers(name)) kept[name] = headers[name];
  kept[ownHeaders.attempt] = attempt;
  kept[ownHeaders.channel] = channelOf(message, namePrefix);
  return {
    content: message.content,
    // Its time to live and its user were checked when it was published first.
    properties: {
      ...propertiesOf(properties),
      expiration: undefined,
      userId: undefined,
      deliveryMode: 2,
      headers: kept,
    },
  };
}

export function fromNative(message: ConsumeMessage, namePrefix: string): IncomingMessage {
  const raw = headersOf(message.properties);
  const contentType: unknown = message.properties.contentType;
  const { attributes, headers } = readHeaders(raw, isStructured(contentType));
  return {
    channel: channelOf(message, namePrefix),
    key: keyOf(raw[ownHeaders.key], attributes),
    attributes,
    headers,
    contentType: typeof contentType === "string" ? contentType : undefined,
    body: raw[ownHeaders.noData] === undefined ? bodyOf(message) : undefined,
  };
}

/** The attempt that this delivery is: what earlier hops noted, and the deliveries of this copy that came back. */
export function attemptOf(message: ConsumeMessage): number {
  const headers = headersOf(message.properties);
  return countOf(headers[ownHeaders.attempt], 1) + countOf(headers["x-delivery-count"], 0);
}

/** True for a copy made by a retry or a release, and for what the broker flags itself. */
export function isRedelivered(message: ConsumeMessage): boolean {
  return message.fields.redelivered || headersOf(message.properties)[ownHeaders.attempt] !== undefined;
}

export function originOf(message: ConsumeMessage, queue: string): Readonly<Record<string, string | number>> {
  const { exchange, routingKey, deliveryTag } = message.fields;
  return { queue, exchange, routingKey, deliveryTag };
}

function keyOf(noted: unknown, attributes: Readonly<Record<string, string>>): string | undefined {
  if (noted === undefined) return attributes["partitionkey"];
  return typeof noted === "string" ? noted : undefined;
}

function channelOf(message: ConsumeMessage, namePrefix: string): string {
  const noted = headersOf(message.properties)[ownHeaders.channel];
  if (typeof noted === "string") return noted;
  const { exchange } = message.fields;
  return exchange.startsWith(namePrefix) ? exchange.slice(namePrefix.length) : exchange;
}

/** A copy: what a handler changes in it does not reach the message that is kept for a retry. */
function bodyOf({ content }: ConsumeMessage): Uint8Array {
  return Buffer.from(content);
}

function headersOf(properties: { readonly headers?: unknown }): Headers {
  const { headers } = properties;
  return typeof headers === "object" && headers !== null ? (headers as Headers) : {};
}

interface Read {
  readonly attributes: Record<string, string>;
  readonly headers: Record<string, string>;
}

function readHeaders(raw: Headers, structured: boolean): Read {
  const prefix = prefixOf(raw);
  const attributes: Record<string, string> = {};
  const headers: Record<string, string> = {};
  for (const name of Object.keys(raw)) {
    const value = raw[name];
    if (prefix !== undefined && startsWith(name, prefix)) {
      // In structured mode they only repeat what the body says.
      if (!structured && value !== null) attributes[attributeName(name, prefix)] = textOf(value);
    } else if (!isBrokers(name) && !isOwn(name)) headers[name] = textOf(value);
  }
  return { attributes, headers };
}

const prefixes: readonly AttributePrefix[] = ["cloudEvents:", "cloudEvents_", "ce-"];

/** The one prefix of this message: that of its `specversion`. A message without it is no CloudEvent in binary mode. */
function prefixOf(raw: Headers): string | undefined {
  if (raw["cloudEvents:specversion"] !== undefined) return "cloudEvents:";
  return prefixes.find((prefix) =>
    Object.keys(raw).some((name) => name.toLowerCase() === `${prefix.toLowerCase()}specversion`),
  );
}

function startsWith(name: string, prefix: string): boolean {
  if (name.startsWith(prefix)) return true;
  return name.length > prefix.length && name.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
}

/** Ours are in small letters already; other producers are less careful. */
function attributeName(name: string, prefix: string): string {
  return name.slice(prefix.length).toLowerCase();
}

const brokers = new Set(["x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC"]);

/** Headers that the broker adds on the way. */
function isBrokers(name: string): boolean {
  return brokers.has(name) || name.startsWith("x-first-death-") || name.startsWith("x-last-death-");
}

const own: ReadonlySet<string> = new Set(Object.values(ownHeaders));

function isOwn(name: string): boolean {
  return own.has(name);
}

/** Header values have types in AMQP; here they are text, as CloudEvents write them. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  if (value === null || value === undefined) return "";
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return bytes.toString(isUtf8(bytes) ? "utf8" : "base64");
  }
  const seconds = secondsIn(value);
  return seconds === undefined ? jsonOf(value) : dateText(seconds);
}

/** A time as amqplib decodes it: `{ "!": "timestamp", value: 1700000000 }`. */
function secondsIn(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null || !("!" in value) || value["!"] !== "timestamp")
    return undefined;
  return "value" in value && typeof value.value === "number" ? value.value : undefined;
}

function dateText(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

function isStructured(contentType: unknown): boolean {
  return typeof contentType === "string" && /^application\/cloudevents/i.test(contentType);
}

function countOf(value: unknown, otherwise: number): number {
  const count = typeof value === "string" ? Number(value) : value;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : otherwise;
}

function secondsOf(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const milliseconds = Date.parse(time);
  return milliseconds >= 0 ? Math.floor(milliseconds / 1_000) : undefined;
}

/** As they came: amqplib decodes and encodes them alike, and types them loosely. */
function propertiesOf(properties: object): NativeProperties {
  return properties;
}
