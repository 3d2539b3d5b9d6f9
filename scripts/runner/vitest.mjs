// Runs a vitest project and reads its report: one suite per package and level.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { runNode } from "./process.mjs";

/**
 * @typedef {import("./result.mjs").StepResult} StepResult
 * @typedef {import("./result.mjs").Suite} Suite
 * @typedef {import("./test-files.mjs").TestFile} TestFile
 * @typedef {{ name: string, status: string, startTime: number, endTime: number, message: string,
 *   assertionResults: { status: string, fullName: string }[] }} FileReport
 */

/**
 * Runs exactly these files and fails for each one that left no result.
 * @param {import("./process.mjs").Workplace} workplace
 * @param {string} project
 * @param {TestFile[]} files
 * @returns {Promise<StepResult>}
 */
export async function runVitest(workplace, project, files) {
  const folder = mkdtempSync(join(tmpdir(), "vitest-report-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(workplace.root, "node_modules/vitest/vitest.mjs");
    const { status, seconds } = await runNode(
      workplace,
      [
        vitest,
        "run",
        `--project=${project}`,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...files.map((file) => file.path),
      ],
      { output: "show" },
    );
    return readReport(workplace.root, files, reported(report), { project, status, seconds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {TestFile[]} files
 * @param {FileReport[]} reports
 * @param {{ project: string, status: number, seconds: number }} run
 * @returns {StepResult}
 */
function readReport(root, files, reports, run) {
  const byPath = new Map(
    reports.map((report) => [relative(root, report.name).replaceAll("\\", "/"), report]),
  );
  /** @type {Map<string, Suite>} */
  const suites = new Map();
  for (const { path, suite } of files) {
    const row = suites.get(suite) ?? { suite, passed: 0, failed: 0, skipped: 0, seconds: 0 };
    addFile(row, byPath.get(path));
    suites.set(suite, row);
  }
  const rows = [...suites.values()];
  const lost = files.filter(({ path }) => !byPath.has(path)).map(({ path }) => `${path} left no result.`);
  if (run.status !== 0 && rows.every((row) => row.failed === 0)) {
    rows.push({ suite: `${run.project} run`, passed: 0, failed: 1, skipped: 0, seconds: run.seconds });
    lost.push(`vitest ended with status ${run.status} outside of any test: see its output above.`);
  }
  return { suites: rows, notRun: [], report: lost.join("\n") };
}

/**
 * @param {Suite} row
 * @param {FileReport | undefined} report
 */
function addFile(row, report) {
  if (!report) {
    row.failed += 1;
    return;
  }
  const statuses = report.assertionResults.map((test) => test.status);
  const failed = statuses.filter((status) => status === "failed").length;
  row.passed += statuses.filter((status) => status === "passed").length;
  row.failed += failed;
  row.skipped += statuses.filter((status) => status !== "passed" && status !== "failed").length;
  row.seconds += Math.max(0, report.endTime - report.startTime) / 1000;
  const endedBadly = report.status !== "passed" && failed === 0;
  if (endedBadly || statuses.length === 0) row.failed += 1;
}

/** @param {string} file @returns {FileReport[]} */
function reported(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).testResults;
  } catch {
    return [];
  }
}
