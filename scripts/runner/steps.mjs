// The steps of a test run in order, cheap ones first. Each is a name and what to do.
import { join } from "node:path";
import { runNodeTests } from "./node-tests.mjs";
import { runNode } from "./process.mjs";
import { checkResult, together } from "./result.mjs";
import { withServers } from "./servers.mjs";
import { testFiles } from "./test-files.mjs";
import { runVitest } from "./vitest.mjs";

/**
 * @typedef {import("./process.mjs").Workplace & {
 *   without: string[], startedByUs: Set<string>, log: (line: string) => void,
 * }} Run
 * @typedef {{ name: string, does: string, run: (run: Run) => Promise<import("./result.mjs").StepResult> }} Step
 */

/** @type {Step[]} */
export const steps = [
  tool("format", "formatting (oxfmt)", ["oxfmt/bin/oxfmt", "--check", "."]),
  tool("lint", "lint with types (oxlint)", ["oxlint/bin/oxlint"]),
  {
    name: "boundaries",
    does: "who imports whom",
    run: async (run) =>
      together([
        await script("scripts/check-boundaries.mjs")("boundaries", run),
        await modules(["turbo/bin/turbo", "boundaries", "--no-color"])("boundaries (turbo)", run),
      ]),
  },
  check("rooms", "the same rooms in every transport and store", "scripts/check-rooms.mjs"),
  check("workspace", "package manifests and project lists", "scripts/check-workspace.mjs"),
  check("lockfile", "no registry host in the lock file", "scripts/check-lockfile.mjs"),
  check("changesets", "a changeset for every changed package", "scripts/check-changesets.mjs"),
  tool("unused", "unused files, exports and dependencies (knip)", [
    "knip/bin/knip.js",
    "--no-progress",
    "--no-config-hints",
  ]),
  tool("build", "build (turbo, tsc)", ["turbo/bin/turbo", "run", "build", "--output-logs=errors-only"]),
  tool("types", "types of sources and tests (tsc)", ["typescript/bin/tsc", "-b"]),
  { name: "unit", does: "unit and property tests", run: (run) => vitest(run, "unit") },
  { name: "integration", does: "integration and crash tests", run: (run) => vitest(run, "integration") },
  check("api", "API reports (api-extractor)", "scripts/check-api.mjs"),
  check("packages", "packed packages (publint, attw)", "scripts/check-packages.mjs"),
  check("install", "installed packages on every Node", "scripts/check-install.mjs"),
  check("release", "a release on a copy", "scripts/check-release.mjs"),
  {
    name: "gates",
    does: "the tests of these checks",
    run: (run) => runNodeTests(run, "gates", "scripts/test"),
  },
  {
    name: "services",
    does: "the tests of scripts/services",
    run: (run) => runNodeTests(run, "services", "scripts/services/test"),
  },
];

/** @type {Step[]} */
export const longSteps = [{ name: "long", does: "long tests", run: (run) => vitest(run, "long") }];

/**
 * @param {string} name
 * @param {string} does
 * @param {string[]} args
 * @returns {Step}
 */
function tool(name, does, args) {
  return { name, does, run: (run) => modules(args)(name, run) };
}

/**
 * @param {string} name
 * @param {string} does
 * @param {string} file
 * @returns {Step}
 */
function check(name, does, file) {
  return { name, does, run: (run) => script(file)(name, run) };
}

/** @param {string[]} args the first one a path inside node_modules */
function modules([path = "", ...args]) {
  return async (/** @type {string} */ suite, /** @type {Run} */ run) =>
    checkResult(suite, await runNode(run, [join(run.root, "node_modules", path), ...args]));
}

/** @param {string} file */
function script(file) {
  return async (/** @type {string} */ suite, /** @type {Run} */ run) =>
    checkResult(suite, await runNode(run, [join(run.root, file)]));
}

/**
 * @param {Run} run
 * @param {import("./test-files.mjs").Level} level
 */
async function vitest(run, level) {
  const all = testFiles(run.root, level);
  if (all.length === 0)
    return { suites: [], notRun: [{ suite: level, reason: `no ${level} test yet` }], report: "" };
  const { files, result } = await withServers(run.root, all, run);
  if (files.length === 0 || run.signal.aborted) return result;
  return together([result, await runVitest(run, level, files)]);
}
