import { expect, test } from "vitest";
import { torture, type Tortured } from "./support/torture.ts";

test(
  "93, 94, 96, 100. nothing is lost or out of order while 16 writers write and the leading relay dies again and again",
  { timeout: 120_000 },
  async () => {
    const { code, counts, complaints } = await torture(10, "--seed", "1");
    expect(complaints).toBe("");
    expect(counts).toMatchObject({ lost: 0, inversions: 0 });
    expect(counts.delivered).toBe(counts.committed);
    expect(counts.committed).toBeGreaterThan(500);
    expect(counts.rolledBack).toBeGreaterThan(10);
    expect(counts.kills).toBeGreaterThanOrEqual(2);
    expect(code).toBe(0);
  },
);

test(
  "96. the same load finds out a relay that passes rows by their number alone",
  { timeout: 240_000 },
  async () => {
    let found: Tortured | undefined;
    // On a busy machine a relay may lag behind all open transactions; it can make its mistake only beside one.
    for (let seed = 1; seed <= 6 && (found?.counts.lost ?? 0) === 0; seed += 1)
      found = await torture(6, "--seed", String(seed), "--mark", "last-seen");
    expect(found?.counts.lost).toBeGreaterThan(0);
    expect(found?.code).toBe(1);
  },
);
