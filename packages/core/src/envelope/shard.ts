/** How many shards a channel's keyed messages are spread over. Part of the wire format: it never changes. */
const shardCount = 16;

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;
const utf8 = new TextEncoder();

/**
 * The shard of a key, 0 to 15: FNV-1a of 32 bits over the UTF-8 bytes of the key, its halves folded together, modulo 16.
 *
 * In any language: start with 2166136261; for each byte, XOR it in and multiply by 16777619, keeping 32 bits; XOR the
 * result with itself shifted right by 16; the remainder of the division by 16 is the shard. Without the fold the last
 * bits depend on the last bits of the bytes alone, and keys such as `17/17` leave shards empty. The number stands in outbox rows and in addresses at the broker, so
 * every writer and reader must compute the same. An unpaired surrogate counts as U+FFFD, as UTF-8 encoders have it.
 */
export function shardOf(key: string): number {
  let hash = offsetBasis;
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at);
    if (unit > 0x7f) return shardOfBytes(utf8.encode(key));
    hash = Math.imul(hash ^ unit, prime);
  }
  return fold(hash);
}

function fold(hash: number): number {
  return ((hash ^ (hash >>> 16)) >>> 0) % shardCount;
}

function shardOfBytes(bytes: Uint8Array): number {
  let hash = offsetBasis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return fold(hash);
}
