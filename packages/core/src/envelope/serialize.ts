import { isUint8Array } from "node:util/types";
import { MessagingError } from "../errors.ts";

/** The bytes that travel as the data of an event. */
export interface Payload {
  readonly payload: Uint8Array | undefined;
  readonly contentType: string | undefined;
}

const noData: Payload = { payload: undefined, contentType: undefined };

/**
 * Data as bytes: a `Uint8Array` as it is (copied, so that later changes do not reach the event), anything else as
 * JSON in UTF-8, with the meaning of `JSON.stringify`. `undefined` is no data, which is not the same as null.
 *
 * @throws MessagingError CONTRACT_NOT_SERIALIZABLE for cycles, BigInts, functions and symbols, and when a `toJSON`
 * throws.
 */
export function serialize(type: string, data: unknown): Payload {
  if (data === undefined) return noData;
  if (isUint8Array(data)) return { payload: Uint8Array.from(data), contentType: "application/octet-stream" };
  return { payload: jsonBytes(type, data), contentType: "application/json" };
}

/** See `serialize`; for data that is to be JSON whatever it is. */
export function jsonBytes(type: string, data: unknown): Uint8Array {
  return Buffer.from(jsonText(type, data), "utf8");
}

function jsonText(type: string, data: unknown): string {
  let text: string | undefined;
  try {
    // The types say string, yet a function, a symbol or a toJSON that answers undefined give undefined.
    text = JSON.stringify(data) as string | undefined;
  } catch (error) {
    throw notSerializable(type, "it holds a cycle, a BigInt, or nests too deep, or a toJSON throws", error);
  }
  if (text === undefined) throw notSerializable(type, `JSON has no form for it (${typeof data})`);
  return text;
}

/** An error that names the type, never the data. */
export function notSerializable(type: string, why: string, cause?: unknown): MessagingError {
  return new MessagingError(
    "CONTRACT_NOT_SERIALIZABLE",
    `The data of '${type}' cannot be serialised: ${why}.`,
    {
      cause,
      context: { type },
    },
  );
}
