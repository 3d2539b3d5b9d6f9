import type { OutgoingMessage } from "@postrider/core";
import { randomUUID } from "node:crypto";

/** What a test decides about a message; the rest is filled in. */
export interface Parts {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly shard?: number | undefined;
  readonly body?: Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly contentType?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

const type = "com.example.orders.placed.v1";

/** A message as core hands it to a transport. */
export function outgoing(channel: string, parts: Parts = {}): OutgoingMessage {
  const id = parts.id ?? randomUUID();
  const body = "body" in parts ? parts.body : Buffer.from(`{"id":"${id}"}`);
  return {
    channel,
    type: parts.type ?? type,
    key: parts.key,
    shard: parts.shard ?? 0,
    messageId: `/tests#${id}`,
    attributes: parts.attributes ?? {
      specversion: "1.0",
      id,
      source: "/tests",
      type: parts.type ?? type,
      time: "2026-01-02T03:04:05.678Z",
      ...(parts.key !== undefined && { partitionkey: parts.key }),
    },
    headers: parts.headers ?? {},
    contentType: "contentType" in parts ? parts.contentType : "application/json",
    body,
    sizeBytes: parts.sizeBytes ?? 200 + (body?.byteLength ?? 0),
  };
}
