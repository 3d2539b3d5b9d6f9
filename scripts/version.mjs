// Turns the pending changesets into versions and changelogs, and makes the lock file follow.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isProgram } from "./workspace/tally.mjs";

const tools = fileURLToPath(new URL("..", import.meta.url));

/**
 * Works in `folder`, a checkout of this repository, with the tools of the one that this file stands in.
 * @param {string} folder
 * @param {"inherit" | "pipe"} [stdio]
 */
export function versionPackages(folder, stdio = "inherit") {
  run(folder, stdio, process.execPath, [join(tools, "node_modules/@changesets/cli/bin.js"), "version"]);
  run(folder, stdio, "npm", [
    "install",
    "--package-lock-only",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
  ]);
  run(folder, stdio, process.execPath, [join(tools, "node_modules/oxfmt/bin/oxfmt"), "packages"]);
  run(folder, stdio, process.execPath, [join(tools, "scripts/complete-lockfile.mjs")]);
}

/**
 * @param {string} cwd
 * @param {"inherit" | "pipe"} stdio
 * @param {string} command
 * @param {string[]} args
 */
function run(cwd, stdio, command, args) {
  const result = spawnSync(command, args, {
    cwd,
    stdio,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (result.status !== 0)
    throw new Error(
      `${command} ${args.join(" ")} failed:\n${result.stdout ?? ""}${result.stderr ?? result.error}`,
    );
}

if (isProgram(import.meta)) versionPackages(tools);
