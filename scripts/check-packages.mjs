// node scripts/check-packages.mjs: what each package would send to the registry, read by publint and attw.
// Turbo remembers the packages that have not changed since they passed. Needs a build.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publishedPackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/**
 * @param {string} root
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
function packageCases(root) {
  return publishedPackages(root).map(({ name }) => {
    const turbo = join(root, "node_modules/turbo/bin/turbo");
    const args = [
      "run",
      "check:package",
      `--filter=${name}`,
      "--only",
      "--output-logs=errors-only",
      "--no-color",
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, [turbo, ...args], {
      cwd: root,
      encoding: "utf8",
    });
    return { title: name, problems: status === 0 ? [] : [stdout + stderr] };
  });
}

if (isProgram(import.meta)) tally("packages", packageCases(fileURLToPath(new URL("..", import.meta.url))));
