import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect } from "vitest";
import type { Clock } from "../../src/contracts/clock.ts";
import type { SealedEvent } from "../../src/contracts/sealed-event.ts";
import type { IncomingMessage, OutgoingMessage } from "../../src/contracts/wire.ts";
import { createSealer, type Sealer } from "../../src/envelope/seal.ts";
import { isMessagingError, type ErrorCode, type MessagingError } from "../../src/errors.ts";

export const startMs = Date.UTC(2026, 2, 1, 10, 20, 30, 456);

/** A clock that stands still until it is set. */
export function stoppedClock(nowMs: number = startMs): Clock & { set(ms: number): void } {
  let ms = nowMs;
  return {
    now: () => ms,
    monotonicMs: () => ms,
    schedule: () => () => undefined,
    set: (to) => {
      ms = to;
    },
  };
}

export function sealerWithIds(...ids: readonly string[]): Sealer {
  const left = [...ids];
  return createSealer({
    source: "/services/orders",
    clock: stoppedClock(),
    newId: () => left.shift() ?? "id-0",
  });
}

/** Takes everything, as it is. */
export function anySchema<T>(): StandardSchemaV1<T, T> {
  return { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as T }) } };
}

/** Takes everything, one turn later. */
export function asyncSchema<T>(): StandardSchemaV1<T, T> {
  return { "~standard": { version: 1, vendor: "test", validate: async (value) => ({ value: value as T }) } };
}

export function sealedEvent(changes: Partial<SealedEvent> = {}): SealedEvent {
  return {
    id: "a-1",
    source: "/services/orders",
    type: "com.acme.orders.order-placed.v1",
    specversion: "1.0",
    time: "2026-03-01T10:20:30.456Z",
    subject: undefined,
    contentType: "application/json",
    dataschema: undefined,
    channel: "com.acme.orders",
    key: undefined,
    shard: 0,
    payload: utf8('{"orderId":"o-1"}'),
    extensions: {},
    traceparent: undefined,
    tracestate: undefined,
    tenant: undefined,
    ...changes,
  };
}

/** What a broker gives back of a message that it keeps as it is. */
export function arrived(message: OutgoingMessage, changes: Partial<IncomingMessage> = {}): IncomingMessage {
  const { attributes, headers, contentType, body, channel, key } = message;
  return { attributes, headers, contentType, body, channel, key, ...changes };
}

export function incoming(changes: Partial<IncomingMessage> = {}): IncomingMessage {
  return {
    attributes: {},
    headers: {},
    contentType: undefined,
    body: undefined,
    channel: "com.acme.orders",
    key: undefined,
    ...changes,
  };
}

/** A message in structured mode whose body is this JSON. */
export function structured(event: unknown, changes: Partial<IncomingMessage> = {}): IncomingMessage {
  return incoming({
    contentType: "application/cloudevents+json",
    body: utf8(JSON.stringify(event)),
    ...changes,
  });
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8"); // as the sources make bytes: vitest tells a Buffer from a Uint8Array
}

export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

/** The error that `action` throws, which must be one of ours with this code. */
export function refusal(action: () => unknown, code: ErrorCode): MessagingError {
  try {
    action();
  } catch (error) {
    if (isMessagingError(error, code)) return error;
    throw error;
  }
  return expect.fail(`nothing was thrown where ${code} was expected`);
}

export function problemsOf(error: MessagingError): readonly string[] {
  return error.context["problems"] as readonly string[];
}

/** Matches an error of ours with this code, for `toThrow`. */
export function coded(code: ErrorCode): unknown {
  return expect.objectContaining({ code });
}

/** The code of what `action` throws, `other` for errors that are not ours, undefined when nothing is thrown. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return isMessagingError(error) ? error.code : "other";
  }
}
