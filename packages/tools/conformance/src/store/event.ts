import type { SealedEvent, StoredEvent } from "@postrider/core";
import { randomUUID } from "node:crypto";
import { claimBytes, claimEqual } from "../case/claim.ts";

/** A sealed event with nothing optional in it but what the parts give. */
export function sealed(parts: Partial<SealedEvent> = {}): SealedEvent {
  return {
    id: randomUUID(),
    source: "/conformance",
    type: "com.example.conformance.stored.v1",
    specversion: "1.0",
    time: "2026-01-02T03:04:05.678Z",
    subject: undefined,
    contentType: "application/json",
    dataschema: undefined,
    channel: "com.example.conformance",
    key: undefined,
    shard: 0,
    payload: Buffer.from(`{"ok":true}`),
    extensions: {},
    traceparent: undefined,
    tracestate: undefined,
    tenant: undefined,
    ...parts,
  };
}

/** Fails unless the row read is the event written: every attribute with its type, every byte of the data. */
export function claimSameEvent(read: StoredEvent, written: SealedEvent): void {
  const { payload: bytesRead, ...attributesRead } = asWritten(read);
  const { payload: bytesWritten, ...attributesWritten } = asWritten(written);
  claimEqual(attributesRead, attributesWritten, "attributes of the stored event");
  claimBytes(bytesRead, bytesWritten, "payload of the stored event");
}

function asWritten(event: SealedEvent): SealedEvent {
  const { id, source, type, specversion, time, subject, contentType, dataschema, channel, key, shard } =
    event;
  const { payload, extensions, traceparent, tracestate, tenant } = event;
  const attributes = {
    id,
    source,
    type,
    specversion,
    time,
    subject,
    contentType,
    dataschema,
    channel,
    key,
    shard,
  };
  return { ...attributes, payload, extensions: { ...extensions }, traceparent, tracestate, tenant };
}
