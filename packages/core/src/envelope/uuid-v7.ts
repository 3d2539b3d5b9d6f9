import { randomFillSync } from "node:crypto";
import type { Clock } from "../contracts/clock.ts";

const poolBytes = 4096;
const counterBits = 26;
const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * A maker of UUIDs of version 7 (RFC 9562): each sorts after the one before, also within a millisecond and when the
 * clock goes back. One maker serves one process; ids of several processes sort by their clocks.
 *
 * Layout: 48 bits of milliseconds, a counter of 26 bits that starts at a random place in each millisecond (section
 * 6.2, method 1), 48 random bits.
 */
export function createUuidV7(clock: Clock): () => string {
  const random = createRandomBytes();
  const firstCount = (): number => random.uint32() >>> (32 - counterBits + 1); // the top bit stays free to count into
  let ms = 0;
  let count = 0;
  let prefix = prefixOf(ms);

  return () => {
    const now = Math.trunc(clock.now());
    if (now > ms) {
      ms = now;
      count = firstCount();
      prefix = prefixOf(ms);
    } else if (++count >= 2 ** counterBits) {
      // Run ahead of the clock rather than repeat or sort wrongly: section 6.2, "counter rollover".
      ms += 1;
      count = firstCount();
      prefix = prefixOf(ms);
    }
    return `${prefix}${counterGroups(count)}${random.hex48()}`;
  };
}

function prefixOf(ms: number): string {
  const digits = ms.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-`;
}

/** `7ccc-yccc-`: version and the upper 12 bits, variant and the lower 14. */
function counterGroups(count: number): string {
  const upper = 0x70 | (count >>> 22);
  const lower = 0x80 | ((count >>> 8) & 0x3f);
  return `${hex[upper]}${hex[(count >>> 14) & 0xff]}-${hex[lower]}${hex[count & 0xff]}-`;
}

interface RandomBytes {
  uint32(): number;
  /** Twelve hex digits. */
  hex48(): string;
}

/** Draws from a pool: one call of the system's generator costs as much as dozens of ids. */
function createRandomBytes(): RandomBytes {
  const pool = Buffer.allocUnsafeSlow(poolBytes);
  let used = poolBytes;
  const take = (count: number): number => {
    if (used + count > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    used += count;
    return used - count;
  };
  return {
    uint32: () => pool.readUInt32LE(take(4)),
    hex48: () => {
      const at = take(6);
      return pool.toString("hex", at, at + 6);
    },
  };
}
