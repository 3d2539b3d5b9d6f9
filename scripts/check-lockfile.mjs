// node scripts/check-lockfile.mjs: the lock file names no registry, and `npm ci` takes it on every system.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { missingPlatformPackages } from "./complete-lockfile.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/**
 * @param {{ packages: Record<string, any> }} lock
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
export function lockfileCases(lock) {
  const hosts = Object.entries(lock.packages)
    .filter(([, { resolved }]) => /^(https?|git|ssh)/.test(resolved ?? ""))
    .map(([path, { resolved }]) => `${path}: ${resolved}`);
  const missing = Object.keys(missingPlatformPackages(lock));
  return [
    {
      title:
        "The lock file names where packages came from. Keep omit-lockfile-registry-resolved=true in .npmrc.",
      problems: hosts,
    },
    {
      title: "The lock file lacks binaries of other systems. Run: node scripts/complete-lockfile.mjs",
      problems: missing,
    },
  ];
}

if (isProgram(import.meta)) {
  const file = process.argv[2] ?? fileURLToPath(new URL("../package-lock.json", import.meta.url));
  tally("lockfile", lockfileCases(JSON.parse(readFileSync(file, "utf8"))));
}
