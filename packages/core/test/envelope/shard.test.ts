import { describe, expect, test } from "vitest";
import { shardOf } from "../../src/envelope/shard.ts";

/*
 * Computed by a program in another language. The hashes of "a" and "foobar" (e40c292c, bf9cf968) are among the values
 * that the authors of FNV publish. A row that changes breaks the order of every keyed message under way.
 */
const golden: readonly (readonly [key: string, hash: number, shard: number])[] = [
  ["", 2_166_136_261, 9],
  ["a", 0xe40c292c, 0],
  ["b", 3_876_335_077, 9],
  ["foobar", 0xbf9cf968, 4],
  ["order-1", 729_795_949, 2],
  ["order-2", 679_463_092, 11],
  ["customer/42", 3_365_520_784, 9],
  ["0", 890_022_063, 3],
  ["1", 873_244_444, 0],
  ["15", 418_063_755, 0],
  ["16", 434_841_374, 5],
  ["Zürich", 3_607_133_984, 0],
  ["日本", 2_670_128_721, 7],
  ["😀", 866_293_256, 10],
  ["é", 513_665_217, 12],
  ["a".repeat(300), 664_702_721, 15],
  ["019c1b5e-7a3f-7000-8000-000000000001", 615_897_868, 9],
];

describe("the shard of a key", () => {
  test.each(golden)("of %j is the one that every other writer computes", (key, hash, shard) => {
    expect((hash ^ (hash >>> 16)) & 15).toBe(shard);
    expect(shardOf(key)).toBe(shard);
  });

  test("an unpaired surrogate counts as U+FFFD", () => {
    expect(shardOf("a\ud800b")).toBe(shardOf("a\ufffdb"));
  });

  test("common families of keys spread evenly over all 16 shards", () => {
    const families = [
      (n: number) => String(n),
      (n: number) => `order-${n}`,
      (n: number) => String(n * 10).padStart(10, "0"),
      (n: number) => `user${n}@example.com`,
      (n: number) => `${n}/${n}`,
    ];
    for (const family of families) {
      const counts = Array.from({ length: 16 }, () => 0);
      for (let n = 0; n < 16_000; n++) counts[shardOf(family(n))] = (counts[shardOf(family(n))] ?? 0) + 1;
      expect(Math.min(...counts)).toBeGreaterThan(900);
      expect(Math.max(...counts)).toBeLessThan(1100);
    }
  });
});
