// npm test: every step, whatever failed before it, then the tables and `N passed, N failed`.
import { fileURLToPath } from "node:url";
import { UsageError, readArguments } from "./arguments.mjs";
import { totals } from "./result.mjs";
import { serverNames, takeDown } from "./servers.mjs";
import { longSteps, steps } from "./steps.mjs";
import { closingReport } from "./table.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");
const [kind = "test", ...words] = process.argv.slice(2);

try {
  process.exitCode = await runAll(kind === "long" ? longSteps : steps, words);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

/**
 * @param {import("./steps.mjs").Step[]} all
 * @param {string[]} selection
 * @returns {Promise<number>} the exit code
 */
async function runAll(all, selection) {
  const { only, without } = readArguments(selection, {
    steps: all.map((step) => step.name),
    servers: serverNames,
  });
  const stop = stopSignal();
  /** @type {import("./steps.mjs").Run} */
  const run = {
    root,
    node: process.execPath,
    signal: stop,
    without,
    startedByUs: new Set(),
    log: (line) => console.log(`  ${line}`),
  };
  /** @type {import("./result.mjs").StepResult[]} */
  const results = [installation()];
  try {
    for (const step of all) {
      const reason = reasonNotToRun(step, only, stop);
      results.push(reason === undefined ? await runStep(step, run) : notRun(step, reason));
    }
  } finally {
    for (const server of await takeDown(run.startedByUs))
      if (!server.ok) console.error(`${server.name} did not go down: ${server.error?.message}`);
  }
  const suites = results.flatMap((result) => result.suites);
  console.log(
    closingReport(
      suites,
      results.flatMap((result) => result.notRun),
    ),
  );
  return totals(suites).failed > 0 || stop.aborted ? 1 : 0;
}

/**
 * @param {import("./steps.mjs").Step} step
 * @param {import("./steps.mjs").Run} run
 */
async function runStep(step, run) {
  console.log(`> ${step.name}: ${step.does}`);
  const since = performance.now();
  const result = await step.run(run).catch((error) => broken(step, error, since));
  if (result.report !== "") console.log(`${result.report.trimEnd()}\n`);
  return result;
}

/**
 * A step that could not even run.
 * @param {import("./steps.mjs").Step} step
 * @param {unknown} error
 * @param {number} since
 * @returns {import("./result.mjs").StepResult}
 */
function broken(step, error, since) {
  const seconds = (performance.now() - since) / 1000;
  const report = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { suites: [{ suite: step.name, passed: 0, failed: 1, skipped: 0, seconds }], notRun: [], report };
}

/**
 * @param {import("./steps.mjs").Step} step
 * @param {string} reason
 * @returns {import("./result.mjs").StepResult}
 */
function notRun(step, reason) {
  return { suites: [], notRun: [{ suite: step.name, reason }], report: "" };
}

/**
 * @param {import("./steps.mjs").Step} step
 * @param {string[]} only
 * @param {AbortSignal} stop
 */
function reasonNotToRun(step, only, stop) {
  if (stop.aborted) return "the run was interrupted";
  return only.length > 0 && !only.includes(step.name) ? `only ${only.join(" ")} was asked for` : undefined;
}

/** What scripts/dev.mjs did before this process could start. @returns {import("./result.mjs").StepResult} */
function installation() {
  const seconds = Number(process.env["POSTRIDER_INSTALL_SECONDS"] ?? 0);
  return {
    suites: [{ suite: "install", passed: 1, failed: 0, skipped: 0, seconds }],
    notRun: [],
    report: "",
  };
}

/** Aborted by Ctrl-C or a request to end: the step at work ends, servers go down, the tables are printed. */
function stopSignal() {
  const controller = new AbortController();
  for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(name, () => controller.abort(new Error(name)));
  return controller.signal;
}
