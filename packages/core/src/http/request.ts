import type { CloudEventLike } from "../envelope/cloud-event-like.ts";
import { encode, type ContentMode } from "../envelope/encode.ts";
import { sealForeign } from "../envelope/seal-foreign.ts";

/** The parts of a POST that come from the event. */
export interface EventRequest {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The event by the HTTP protocol binding of CloudEvents 1.0, section 3.
 *
 * @throws MessagingError CONTRACT_INVALID_EVENT, CONTRACT_NOT_SERIALIZABLE.
 */
export function requestOf(event: CloudEventLike, mode: ContentMode): EventRequest {
  // The channel is no part of the binding: whatever the type, it can be posted.
  const { attributes, headers, contentType, body } = encode(sealForeign(event, "http"), mode);
  return {
    headers: [
      ...Object.entries(attributes).map(([name, value]) => [`ce-${name}`, percentEncoded(value)] as const),
      ...Object.entries(headers),
      ...(contentType === undefined ? [] : [["content-type", contentType] as const]),
    ],
    body: body === undefined ? undefined : new Uint8Array(body),
  };
}

/** Section 3.1.3.2: everything but printable ASCII, and of that the space, the double quote and the percent sign. */
function percentEncoded(value: string): string {
  return value.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/g, (text) =>
    [...Buffer.from(text, "utf8")]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}
