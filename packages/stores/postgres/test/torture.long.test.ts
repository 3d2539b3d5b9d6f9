import { expect, test } from "vitest";
import { torture } from "./support/torture.ts";

test("93, 94, 96, 100. nothing is lost or out of order over a minute of writers, rollbacks and dying relays", async () => {
  const { code, counts, complaints } = await torture(60, "--seed", "7");
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  expect(complaints).toBe("");
  expect(counts).toMatchObject({ lost: 0, inversions: 0 });
  expect(counts.delivered).toBe(counts.committed);
  expect(counts.kills).toBeGreaterThanOrEqual(15);
  expect(code).toBe(0);
});
