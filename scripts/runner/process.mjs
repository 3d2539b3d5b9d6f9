// Child processes of a test run: their output kept or shown, their end awaited, ended with the run.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";

/**
 * @typedef {{ status: number, output: string, seconds: number }} Ended `status` is 1 for an end by signal.
 * @typedef {{ root: string, node: string, signal: AbortSignal }} Workplace
 */

/**
 * Runs a program to its end. With `output: "show"` it writes to our own output, else its output is returned.
 * @param {Workplace} workplace
 * @param {string} command
 * @param {string[]} args
 * @param {{ output?: "show" | "keep", env?: Record<string, string>, cwd?: string }} [options]
 * @returns {Promise<Ended>}
 */
async function runProgram(workplace, command, args, { output = "keep", env = {}, cwd } = {}) {
  const since = performance.now();
  const child = spawn(command, args, {
    cwd: cwd ?? workplace.root,
    env: { ...environment(workplace), ...env },
    stdio: ["ignore", output === "show" ? "inherit" : "pipe", output === "show" ? "inherit" : "pipe"],
  });
  /** @type {Buffer[]} */
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => chunks.push(chunk));
  const end = () => child.kill("SIGTERM");
  workplace.signal.addEventListener("abort", end, { once: true });
  try {
    const status = await endOf(child);
    return {
      status,
      output: Buffer.concat(chunks).toString("utf8"),
      seconds: (performance.now() - since) / 1000,
    };
  } finally {
    workplace.signal.removeEventListener("abort", end);
  }
}

/**
 * A script or a tool of node_modules, run by the Node that the tools need.
 * @param {Workplace} workplace
 * @param {string[]} args
 * @param {Parameters<typeof runProgram>[3]} [options]
 */
export function runNode(workplace, args, options) {
  return runProgram(workplace, workplace.node, args, options);
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<number>} */
function endOf(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
}

/** @param {Workplace} workplace */
function environment({ root, node }) {
  return {
    ...process.env,
    PATH: [dirname(node), join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
  };
}
