import { expect, test } from "vitest";
import { torture } from "./support/torture.ts";

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
  { timeout: 120_000 },
  async () => {
    const { code, counts } = await torture(8, "--seed", "1", "--mark", "last-seen");
    expect(counts.lost).toBeGreaterThan(0);
    expect(code).toBe(1);
  },
);
