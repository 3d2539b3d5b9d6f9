const pattern = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes of base64 text as RFC 4648 writes it, padded; undefined for anything else. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !pattern.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
