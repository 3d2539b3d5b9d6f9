// The two tables at the end of a test run, and its closing line.
import { totals } from "./result.mjs";

/**
 * Every suite that ran with its counts, every one that did not with the reason, then `N passed, N failed`.
 * @param {import("./result.mjs").Suite[]} suites
 * @param {import("./result.mjs").NotRun[]} notRun
 */
export function closingReport(suites, notRun) {
  const { passed, failed } = totals(suites);
  const skipped = suites.some((suite) => suite.skipped > 0)
    ? ["", "A skipped test counts as failed: leave a server out with --without, or delete the test."]
    : [];
  return [
    "",
    ...table(["ran", "passed", "failed", "skipped", "seconds"], suites.map(row)),
    ...skipped,
    "",
    ...(notRun.length > 0
      ? table(
          ["did not run", "reason"],
          notRun.map((each) => [each.suite, each.reason]),
        )
      : ["Everything ran."]),
    "",
    `${passed} passed, ${failed} failed`,
  ].join("\n");
}

/** @param {import("./result.mjs").Suite} suite */
function row({ suite, passed, failed, skipped, seconds }) {
  return [suite, String(passed), String(failed), String(skipped), seconds.toFixed(1)];
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (/** @type {string[]} */ cells) =>
    cells
      .map((cell, column) =>
        isNumber(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}

/** @param {string} cell */
function isNumber(cell) {
  return /^[\d.]+$/.test(cell);
}
