import { isUint8Array } from "node:util/types";
import { base64Of, bytesOfBase64 } from "./base64.ts";
import { readAttributes, type Attributes } from "./read-attributes.ts";

/** A CloudEvent from elsewhere: an object of the `cloudevents` package, a received message, or a plain object. */
export interface CloudEventLike {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data?: unknown;
}

/** The parts of a CloudEvent from elsewhere. */
export interface LikeParts {
  readonly attributes: Attributes;
  readonly data: unknown;
  /** Set when the data is bytes: a copy. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Reads its own members: methods of a class stand on the prototype. Members that are undefined or null count as not
 * set. What is wrong is added to `problems`; the result is then not to be used.
 */
export function readCloudEventLike(event: unknown, problems: string[]): LikeParts {
  if (typeof event !== "object" || event === null || Array.isArray(event))
    problems.push("it must be an object");
  const { data, data_base64: base64, ...members } = { ...(event as Record<string, unknown>) };
  const attributes = readAttributes(members, problems);
  return { attributes, data, bytes: bytesOf(data, base64 ?? undefined, problems) };
}

/** The `cloudevents` class holds binary data twice, as `data` and as `data_base64`. */
function bytesOf(data: unknown, base64: unknown, problems: string[]): Uint8Array | undefined {
  const view = ArrayBuffer.isView(data) ? data : undefined;
  if (base64 === undefined) return view === undefined ? undefined : copyOf(view);
  if (data !== undefined && view === undefined) problems.push("data: must not stand beside data_base64");
  const bytes = typeof base64 === "string" ? bytesOfBase64(base64) : undefined;
  if (bytes === undefined) problems.push("data_base64: must be base64 text of RFC 4648");
  // Other views than of bytes are what older releases of that class make of the text: the text counts.
  else if (isUint8Array(data) && base64Of(data) !== base64) {
    problems.push("data: must be the same bytes as data_base64");
  }
  return bytes;
}

function copyOf(view: ArrayBufferView): Uint8Array {
  return Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}
