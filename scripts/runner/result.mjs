// What a step of a test run leaves behind, and how runs of tools turn into it.

/**
 * @typedef {{ suite: string, passed: number, failed: number, skipped: number, seconds: number }} Suite
 * @typedef {{ suite: string, reason: string }} NotRun
 * @typedef {{ suites: Suite[], notRun: NotRun[], report: string }} StepResult `report` says what went wrong.
 */

/**
 * One row for a command that checks: its own count if its last lines say "N passed, N failed", else one check.
 * A command that fails without naming a failure counts as one failure.
 * @param {string} suite
 * @param {import("./process.mjs").Ended} ended
 * @returns {StepResult}
 */
export function checkResult(suite, { status, output, seconds }) {
  const said = [...output.matchAll(/(\d+) passed, (\d+) failed/g)].at(-1);
  const passed = said ? Number(said[1]) : Number(status === 0);
  const named = said ? Number(said[2]) : 0;
  const failed = status === 0 ? named : Math.max(named, 1);
  return {
    suites: [{ suite, passed, failed, skipped: 0, seconds }],
    notRun: [],
    report: failed > 0 ? output : "",
  };
}

/** @param {StepResult[]} results @returns {StepResult} */
export function together(results) {
  return {
    suites: results.flatMap((each) => each.suites),
    notRun: results.flatMap((each) => each.notRun),
    report: results
      .map((each) => each.report)
      .filter(Boolean)
      .join("\n"),
  };
}

/** A skipped test counts as failed: what does not run must be said with --without. @param {Suite[]} suites */
export function totals(suites) {
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) =>
    suites.reduce((total, suite) => total + suite[key], 0);
  return { passed: sum("passed"), failed: sum("failed") + sum("skipped") };
}
