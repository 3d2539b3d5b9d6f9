// Without state between calls, since `stream` is never set.
const utf8 = new TextDecoder("utf-8", { fatal: true });
const utf8WithMark = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes, without a byte order mark; undefined when they are no valid UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  return decodeWith(utf8, bytes);
}

/** The text of bytes, to the letter: encoding it again gives the same bytes. Undefined when they are no UTF-8. */
export function exactTextOf(bytes: Uint8Array): string | undefined {
  return decodeWith(utf8WithMark, bytes);
}

function decodeWith(decoder: { decode(bytes: Uint8Array): string }, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
