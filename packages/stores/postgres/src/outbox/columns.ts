import type { ExtensionValue, SealedEvent, StoredEvent } from "@postrider/core";
import type { Row } from "../connection/connection.ts";

/** The columns of an event, in the outbox and among the parked rows, with the type each has as JSON. */
const columns = {
  shard: "integer",
  id: "text",
  aggregatetype: "text",
  aggregateid: "text",
  type: "text",
  payload: "text",
  source: "text",
  specversion: "text",
  time: "text",
  subject: "text",
  contenttype: "text",
  dataschema: "text",
  partitionkey: "text",
  traceparent: "text",
  tracestate: "text",
  tenant: "text",
  attributes: "json",
} as const;

type Column = keyof typeof columns;

/** The type that each column has as JSON. */
export const columnTypes: Readonly<Record<Column, string>> = columns;

export const eventColumns: readonly Column[] = Object.keys(columns) as Column[];

/** `shard integer, id text, …`: the shape of one element of the JSON array that `append` sends. */
export const eventRecord: string = Object.entries(columns)
  .map(([name, type]) => `${name} ${type}`)
  .join(", ");

/** What is read of an event. Numbers come as text, so that no type parser of the user's driver gets in between. */
export function selectedColumns(alias: string): string {
  const plain = eventColumns.map((name) =>
    name === "attributes" ? `${alias}.attributes::text` : `${alias}.${name}`,
  );
  return [
    `${alias}.seq::text AS seq`,
    ...plain,
    `${millisecondsOf(`${alias}.stored_at`)} AS stored_at_ms`,
  ].join(", ");
}

export function millisecondsOf(timestamp: string): string {
  return `floor(extract(epoch FROM ${timestamp}) * 1000)::text`;
}

/** One event as an element of that array. The payload is base64: JSON holds no bytes. */
export function recordOf(event: SealedEvent): Readonly<Record<Column, unknown>> {
  return {
    shard: event.shard,
    id: event.id,
    aggregatetype: event.channel,
    aggregateid: event.key ?? event.id,
    type: event.type,
    payload: event.payload === undefined ? null : base64(event.payload),
    source: event.source,
    specversion: event.specversion,
    time: event.time ?? null,
    subject: event.subject ?? null,
    contenttype: event.contentType ?? null,
    dataschema: event.dataschema ?? null,
    partitionkey: event.key ?? null,
    traceparent: event.traceparent ?? null,
    tracestate: event.tracestate ?? null,
    tenant: event.tenant ?? null,
    attributes: event.extensions,
  };
}

export function eventOf(row: Row): StoredEvent {
  return {
    id: text(row, "id"),
    source: text(row, "source"),
    type: text(row, "type"),
    specversion: "1.0",
    time: optional(row, "time"),
    subject: optional(row, "subject"),
    contentType: optional(row, "contenttype"),
    dataschema: optional(row, "dataschema"),
    channel: text(row, "aggregatetype"),
    key: optional(row, "partitionkey"),
    shard: Number(row["shard"]),
    payload: bytes(row["payload"]),
    extensions: extensions(row),
    traceparent: optional(row, "traceparent"),
    tracestate: optional(row, "tracestate"),
    tenant: optional(row, "tenant"),
    position: text(row, "seq"),
    storedAtMs: Number(row["stored_at_ms"]),
  };
}

export function text(row: Row, name: string): string {
  return optional(row, name) ?? "";
}

export function optional(row: Row, name: string): string | undefined {
  const value = row[name];
  return typeof value === "string" ? value : undefined;
}

function base64(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64");
}

/** Text where the user switched the driver's parsing off. */
function bytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? Buffer.from(value.slice(2), "hex") : undefined;
}

const none: Readonly<Record<string, ExtensionValue>> = Object.freeze({});

function extensions(row: Row): Readonly<Record<string, ExtensionValue>> {
  const value = row["attributes"];
  return value === "{}" || typeof value !== "string"
    ? none
    : (JSON.parse(value) as Record<string, ExtensionValue>);
}
