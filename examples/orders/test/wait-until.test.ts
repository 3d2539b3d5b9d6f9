import { expect, test } from "vitest";
import { waitUntil, type WaitOptions } from "../src/demo/wait-until.ts";

const options = (parts: Partial<WaitOptions> = {}): WaitOptions => ({
  stallMs: 60_000,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...parts,
});

test("resolves with nothing when every condition holds, each looked at after the one before", async () => {
  let now = 0;
  const said: string[] = [];
  const conditions = [
    { what: "first", reached: () => ++now, of: () => 3 },
    { what: "second", reached: async () => ++now, of: () => 5 },
  ];
  expect(await waitUntil(conditions, options({ onProgress: (text) => said.push(text) }))).toBeUndefined();
  expect(said).toEqual(["first (1 of 3)", "first (2 of 3)", "second (4 of 5)"]);
});

test("names the condition at which nothing moves any more", async () => {
  const stuck = { what: "shipments", reached: () => 4, of: () => 5 };
  expect(await waitUntil([stuck], options({ stallMs: 0 }))).toBe("shipments (4 of 5)");
});

test("an abort ends the wait at once", async () => {
  const controller = new AbortController();
  const waiting = waitUntil(
    [{ what: "never", reached: () => 0, of: () => 1 }],
    options({ signal: controller.signal }),
  );
  controller.abort();
  expect(await waiting).toBe("never (0 of 1)");
});
