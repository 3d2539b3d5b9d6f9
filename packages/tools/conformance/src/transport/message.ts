import type { IncomingMessage, OutgoingMessage } from "@postrider/core";
import { randomUUID } from "node:crypto";
import { claim, claimBytes, claimEqual } from "../case/claim.ts";

/** What a case decides about a message; the rest is filled in. */
export interface MessageParts {
  readonly key?: string | undefined;
  readonly body?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Instead of, not on top of, the attributes of an ordinary CloudEvent. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

const source = "/conformance";
const type = "com.example.conformance.sent.v1";

/** A message as core hands it to a transport: an ordinary CloudEvent in binary mode unless the parts say otherwise. */
export function outgoing(channel: string, parts: MessageParts = {}): OutgoingMessage {
  const id = parts.attributes?.["id"] ?? randomUUID();
  const attributes = parts.attributes ?? {
    specversion: "1.0",
    id,
    source,
    type,
    time: "2026-01-02T03:04:05.678Z",
  };
  const headers = parts.headers ?? {};
  const body = "body" in parts ? parts.body : Buffer.from(`{"id":"${id}"}`);
  return {
    channel,
    type,
    key: parts.key,
    shard: shardOf(parts.key ?? id),
    messageId: `${source}#${id}`,
    attributes,
    headers,
    contentType: "contentType" in parts ? parts.contentType : "application/json",
    body,
    sizeBytes: sizeOf(attributes) + sizeOf(headers) + (body?.byteLength ?? 0),
  };
}

/** Several messages of one channel, in order. */
export function outgoingRun(
  channel: string,
  count: number,
  parts: MessageParts = {},
): readonly OutgoingMessage[] {
  return Array.from({ length: count }, () => outgoing(channel, parts));
}

/** A message that weighs exactly `sizeBytes`. */
export function outgoingOfSize(
  channel: string,
  sizeBytes: number,
  parts: MessageParts = {},
): OutgoingMessage {
  const empty = outgoing(channel, { ...parts, body: new Uint8Array(0) });
  const body = new Uint8Array(sizeBytes - empty.sizeBytes).fill(0x61);
  return { ...empty, body, sizeBytes };
}

/** The id of the CloudEvent, by which cases know messages again. */
export function idOf(message: OutgoingMessage | IncomingMessage): string {
  return message.attributes["id"] ?? "(no id)";
}

export const idsOf = (messages: readonly (OutgoingMessage | IncomingMessage)[]): readonly string[] =>
  messages.map(idOf);

/**
 * Fails unless what arrived is what was sent: attributes, headers, content type, key and every byte of the body.
 * A transport may add headers of its own; they begin with `postrider-`.
 */
export function claimSame(
  arrived: IncomingMessage,
  sent: OutgoingMessage,
  keys: "keys-are-kept" | "keys-are-not-kept",
): void {
  claimEqual(arrived.channel, sent.channel, "channel");
  claimEqual({ ...arrived.attributes }, { ...sent.attributes }, "attributes");
  claimEqual(withoutOwn(arrived.headers, sent.headers), { ...sent.headers }, "headers");
  claimEqual(arrived.contentType, sent.contentType, "content type");
  claimBytes(arrived.body, sent.body, "body");
  claim(
    arrived.key === sent.key || (keys === "keys-are-not-kept" && arrived.key === undefined),
    `key: expected ${String(sent.key)}, got ${String(arrived.key)}`,
  );
}

function withoutOwn(
  arrived: Readonly<Record<string, string>>,
  sent: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(arrived).filter(([name]) => name in sent || !name.toLowerCase().startsWith("postrider-")),
  );
}

function sizeOf(fields: Readonly<Record<string, string>>): number {
  return Object.entries(fields).reduce(
    (sum, field) => sum + Buffer.byteLength(field[0]) + Buffer.byteLength(field[1]),
    0,
  );
}

/** Any stable spread will do: a transport takes the shard as it is given. */
function shardOf(key: string): number {
  let hash = 7;
  for (const byte of Buffer.from(key)) hash = (hash * 31 + byte) % 65_521;
  return hash % 16;
}
