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
  const packages = publishedPackages(root);
  if (check(root, packages).status === 0) return packages.map(({ name }) => ({ title: name, problems: [] }));
  return packages.map((each) => {
    const { status, output } = check(root, [each]);
    return { title: each.name, problems: status === 0 ? [] : [output] };
  });
}

/**
 * @param {string} root
 * @param {import("./workspace/packages.mjs").Package[]} packages
 */
function check(root, packages) {
  const turbo = join(root, "node_modules/turbo/bin/turbo");
  const filters = packages.map(({ name }) => `--filter=${name}`);
  const args = [
    turbo,
    "run",
    "check:package",
    ...filters,
    "--only",
    "--continue",
    "--output-logs=errors-only",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

if (isProgram(import.meta)) tally("packages", packageCases(fileURLToPath(new URL("..", import.meta.url))));
