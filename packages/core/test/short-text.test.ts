import { expect, test } from "vitest";
import { shortText } from "../src/short-text.ts";

test("text that fits stays as it is; longer text is cut, and shows it", () => {
  expect(shortText("abc", 3)).toBe("abc");
  expect(shortText("abcd", 3)).toBe("abc…");
  expect(shortText("x".repeat(2_000))).toBe(`${"x".repeat(1_024)}…`);
});

test("no character is cut in two", () => {
  expect(shortText("ab😀d", 3)).toBe("ab…");
  expect(shortText("ab😀d", 4)).toBe("ab😀…");
});
