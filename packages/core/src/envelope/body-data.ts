import { textOf } from "./body-text.ts";
import { contentKind } from "./media-type.ts";
import { undecodable } from "./refuse.ts";

/** JSON longer than this is refused before it is parsed: 16 MiB, the largest message that RabbitMQ takes. */
export const maxJsonBytes: number = 16 * 1024 * 1024;

/**
 * The data that the bytes of an event hold, by its content type: JSON parsed, text as a string, anything else as the
 * bytes. Bytes without a content type stay bytes: outside the JSON format the specification gives them no meaning.
 *
 * No bytes at all are no data. So are zero bytes where brokers cannot tell the two apart: with JSON, whose shortest
 * text has one byte, and without a content type.
 *
 * @throws MessagingError CONTRACT_UNDECODABLE
 */
export function dataOf(body: Uint8Array | undefined, contentType: string | undefined): unknown {
  if (body === undefined) return undefined;
  const kind = contentKind(contentType);
  if (kind === "json") return body.byteLength === 0 ? undefined : parseJson(body, "its data");
  if (kind === "text") return textOf(body) ?? refuseUtf8("its data");
  return body.byteLength === 0 && contentType === undefined ? undefined : body;
}

/** `what` begins the sentence of the error. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  if (bytes.byteLength > maxJsonBytes) throw undecodable(`${what} is longer than ${maxJsonBytes} bytes.`);
  const text = textOf(bytes) ?? refuseUtf8(what);
  try {
    return JSON.parse(text);
  } catch {
    // No cause: the error of JSON.parse quotes the text around the place.
    throw undecodable(`${what} is no valid JSON.`);
  }
}

function refuseUtf8(what: string): never {
  throw undecodable(`${what} is no valid UTF-8.`);
}
