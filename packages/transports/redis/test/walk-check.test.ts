import { describe, expect, test } from "vitest";
import { checkWalks } from "./support/walk-check.ts";

const none = { lost: [], overtaken: [], overlapping: [], duplicates: 0 };
const check = (lines: readonly string[], killed: readonly string[] = []) =>
  checkWalks(lines, new Map([["w", 2]]), new Set(killed));

describe("the checker of ordered work", () => {
  test("finds nothing in steps that were taken one after the other", () => {
    expect(check(["a begin w 1", "a end w 1", "b begin w 2", "b end w 2"])).toEqual(none);
  });

  test("finds a step that was never ended", () => {
    expect(check(["a begin w 1", "a end w 1"]).lost).toEqual(["w: 1 of 2"]);
  });

  test("finds a step that overtook another", () => {
    expect(check(["a begin w 2", "a end w 2", "a begin w 1", "a end w 1"]).overtaken).toEqual([
      "a begin w 2",
    ]);
  });

  test("finds steps of one walker at the same time, unless the first is of a member that was killed", () => {
    const lines = ["a begin w 1", "b begin w 1", "b end w 1", "b begin w 2", "b end w 2"];
    expect(check(lines).overlapping).toEqual(["b begin w 1"]);
    expect(check(lines, ["a"])).toEqual({ ...none, duplicates: 1 });
  });
});
