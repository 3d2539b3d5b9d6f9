// node scripts/check-install.mjs: what a user gets. The packages are packed, installed into empty folders outside of
// this repository, loaded by `import` and `require` on every Node that we name, and compiled against. Needs a build.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { installations } from "./install/plan.mjs";
import { nodeBinary, root, toolNode } from "./toolchain.mjs";
import { publishedPackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/**
 * @typedef {import("./workspace/tally.mjs").Case} Case
 * @typedef {import("./install/plan.mjs").Installation} Installation
 */

const programs = join(root, "scripts/install/programs");
const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false };
const resolutions = {
  nodenext: { options: { module: "nodenext" }, endings: [".mts", ".cts"] },
  bundler: { options: { module: "esnext", moduleResolution: "bundler" }, endings: [".ts"] },
};

/** @returns {Case[]} */
function installCases() {
  const home = mkdtempSync(join(tmpdir(), "install-"));
  try {
    const packages = publishedPackages(root);
    const archives = new Map(packages.map(({ name, folder }) => [name, pack(folder, home)]));
    return installations(packages).flatMap((installation, index) => {
      const folder = join(home, String(index));
      const installed = install(folder, installation, archives);
      if (installed.problems.length > 0) return [installed];
      return [installed, ...runCases(folder, installation), ...compileCases(folder, installation)];
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {string} home
 */
function pack(folder, home) {
  const { status, stdout, stderr } = npm(
    ["pack", "--silent", "--pack-destination", home],
    join(root, folder),
  );
  if (status !== 0) throw new Error(`npm pack failed in ${folder}: ${stderr}`);
  return join(home, stdout.trim().split("\n").at(-1) ?? "");
}

/**
 * @param {string} folder
 * @param {Installation} installation
 * @param {Map<string, string>} archives
 * @returns {Case}
 */
function install(folder, { title, packages, peers }, archives) {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const files = packages.map(({ name }) => archives.get(name) ?? "");
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
  const { status, stdout, stderr } = npm(["install", ...quiet, ...files, ...peers], folder);
  return { title: `${title}: npm install`, problems: status === 0 ? [] : [stdout + stderr] };
}

/**
 * @param {string} folder
 * @param {Installation} installation
 * @returns {Case[]}
 */
function runCases(folder, { title, packages, entries }) {
  const own = packages.flatMap(({ name }) => [".mjs", ".cjs"].map((ending) => shortName(name) + ending));
  const files = ["entries.mjs", "entries.cjs", ...own].filter((file) => existsSync(join(programs, file)));
  for (const file of files) copyFileSync(join(programs, file), join(folder, file));
  return Object.keys(pinnedNodes()).flatMap((major) => {
    const node = nodeBinary(Number(major));
    return files.map((file) => {
      const args = file.startsWith("entries.") ? [file, ...entries] : [file];
      const { status, stderr } = spawnSync(node, args, {
        cwd: folder,
        encoding: "utf8",
        env: plainEnvironment(),
      });
      return {
        title: `${title}: ${file} on Node ${major}`,
        problems: status === 0 && stderr === "" ? [] : [stderr],
      };
    });
  });
}

/**
 * @param {string} folder
 * @param {Installation} installation
 * @returns {Case[]}
 */
function compileCases(folder, { title, packages, entries }) {
  const names = packages
    .map(({ name }) => shortName(name))
    .filter((name) => existsSync(join(programs, `${name}.ts`)));
  const everything = entries
    .map((specifier, index) => `export * as entry${index} from "${specifier}";\n`)
    .join("");
  return Object.entries(resolutions).map(([resolution, { options, endings }]) => {
    const files = endings.flatMap((ending) => {
      writeFileSync(join(folder, `entries${ending}`), everything);
      for (const name of names) copyFileSync(join(programs, `${name}.ts`), join(folder, name + ending));
      return ["entries", ...names].map((name) => name + ending);
    });
    const project = join(folder, `tsconfig.${resolution}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions: { ...compilerOptions, ...options }, files }));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(toolNode(), [tsc, "-p", basename(project)], {
      cwd: folder,
      encoding: "utf8",
    });
    return { title: `${title}: types under ${resolution}`, problems: status === 0 ? [] : [stdout] };
  });
}

/** The major versions that package.json names. @returns {Record<string, string>} */
function pinnedNodes() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).config.node;
}

/** @param {string} name */
function shortName(name) {
  return name.replace("@postrider/", "");
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  return spawnSync("npm", args, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
    env: plainEnvironment(),
  });
}

/** Without what an outer npm or a flag of Node would bring into the user's folder. */
function plainEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) => !key.toLowerCase().startsWith("npm_") && key !== "NODE_OPTIONS",
    ),
  );
}

if (isProgram(import.meta)) tally("install", installCases());
