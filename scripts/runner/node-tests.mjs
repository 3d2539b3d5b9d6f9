// Runs the tests of the scripts themselves, which use Node's own test runner, and counts them.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNode } from "./process.mjs";

/**
 * @param {import("./process.mjs").Workplace} workplace
 * @param {string} suite
 * @param {string} folder
 * @returns {Promise<import("./result.mjs").StepResult>}
 */
export async function runNodeTests(workplace, suite, folder) {
  const files = testsIn(join(workplace.root, folder));
  if (files.length === 0)
    return { suites: [], notRun: [{ suite, reason: `${folder} has no *.test.mjs` }], report: "" };
  const home = mkdtempSync(join(tmpdir(), "node-tests-"));
  const tap = join(home, "report.tap");
  try {
    const { status, output, seconds } = await runNode(workplace, [
      "--test",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=tap",
      `--test-reporter-destination=${tap}`,
      ...files,
    ]);
    const counts = readTap(existsSync(tap) ? readFileSync(tap, "utf8") : "", status);
    const wrong = counts.failed + counts.skipped > 0;
    return { suites: [{ suite, ...counts, seconds }], notRun: [], report: wrong ? output : "" };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * The totals at the end of a TAP report. A run that failed without a failed test counts as one failure.
 * @param {string} tap
 * @param {number} status
 */
export function readTap(tap, status) {
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const failed = count("fail") + count("cancelled");
  return {
    passed: count("pass"),
    failed: status === 0 ? failed : Math.max(failed, 1),
    skipped: count("skipped") + count("todo"),
  };
}

/** @param {string} folder */
function testsIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.mjs"))
    .sort()
    .map((name) => join(folder, name));
}
