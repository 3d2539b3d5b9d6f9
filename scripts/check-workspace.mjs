// node scripts/check-workspace.mjs [root]: what every published package must say of itself, and that the lists of
// projects name every package. The rules come from what breaks users: two copies of core, hidden `require`, no licence.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { entryPoints, publishedPackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/** @typedef {import("./workspace/packages.mjs").Package} Package */

/**
 * @param {string} root
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
export function workspaceCases(root) {
  const packages = publishedPackages(root);
  const core = packages.find((each) => each.kind === "core");
  return packages.map((each) => ({
    title: each.folder,
    problems: [
      ...manifestProblems(each),
      ...exportProblems(each),
      ...(core ? coreProblems(each, core) : ["packages/core is missing"]),
      ...fileProblems(root, each),
      ...listProblems(root, each),
    ],
  }));
}

/** @param {Package} each */
function manifestProblems({ folder, manifest }) {
  /** @type {[string, unknown, unknown][]} */
  const expected = [
    ["license", manifest.license, "Apache-2.0"],
    ["type", manifest.type, "module"],
    ["sideEffects", manifest.sideEffects, false],
    ["repository.directory", manifest.repository?.directory, folder],
    ["publishConfig.access", manifest.publishConfig?.access, "public"],
    ["files", JSON.stringify(manifest.files), '["dist","src","!**/*.tsbuildinfo"]'],
  ];
  return [
    ...expected
      .filter(([, found, wanted]) => found !== wanted)
      .map(([key, found, wanted]) => `package.json: ${key} is ${String(found)}, expected ${String(wanted)}`),
    ...["description", "keywords", "engines"]
      .filter((key) => manifest[key] === undefined)
      .map((key) => `package.json: ${key} is missing`),
  ];
}

/** An `import`-only condition would hide the package from require(). @param {Package} each */
function exportProblems(each) {
  return entryPoints(each).flatMap(({ subpath, source }) => {
    const conditions = Object.keys(each.manifest.exports[subpath]).join(" ");
    const expected = "@postrider/source types default";
    return [
      ...(conditions === expected
        ? []
        : [`exports["${subpath}"] has "${conditions}", expected "${expected}"`]),
      ...(source?.startsWith("./src/") ? [] : [`exports["${subpath}"]: the source is not in ./src`]),
    ];
  });
}

/**
 * Core is a peer of all others, so that one application cannot hold two.
 * @param {Package} each
 * @param {Package} core
 */
function coreProblems({ kind, name, manifest }, core) {
  const { version, dependencies, peerDependencies, devDependencies } = manifest;
  const problems =
    version === core.manifest.version ? [] : [`version is ${version}, core's is ${core.manifest.version}`];
  if (kind === "core") return problems;
  const range = peerDependencies?.[core.name];
  if (!range) problems.push(`${core.name} is no peer dependency of ${name}`);
  if (dependencies?.[core.name]) problems.push(`${core.name} is a dependency: make it a peer`);
  if (devDependencies?.[core.name] !== range)
    problems.push(`${core.name}: the dev range differs from the peer range`);
  return problems;
}

/**
 * @param {string} root
 * @param {Package} each
 */
function fileProblems(root, { folder }) {
  const license = join(root, folder, "LICENSE");
  const same =
    existsSync(license) && readFileSync(license, "utf8") === readFileSync(join(root, "LICENSE"), "utf8");
  return [
    ...(same ? [] : ["LICENSE is missing or differs from the one at the root"]),
    ...(existsSync(join(root, folder, "README.md")) ? [] : ["README.md is missing"]),
  ];
}

/**
 * @param {string} root
 * @param {Package} each
 */
function listProblems(root, { folder, kind }) {
  const listed = ["tsconfig.json", "tsconfig.test.json"].filter((file) => {
    const { references } = JSON.parse(readFileSync(join(root, file), "utf8"));
    return !references.some((/** @type {{ path: string }} */ { path }) => path === folder);
  });
  const turbo = join(root, folder, "turbo.json");
  const tags = existsSync(turbo) ? JSON.parse(readFileSync(turbo, "utf8")).tags : undefined;
  return [
    ...listed.map((file) => `${file} has no reference to ${folder}`),
    ...(tags?.includes(kind) ? [] : [`turbo.json lacks the tag "${kind}"`]),
  ];
}

if (isProgram(import.meta)) {
  const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  tally("workspace", workspaceCases(root));
}
