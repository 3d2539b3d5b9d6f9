// The packages of this repository, found by folder: a new package needs no entry anywhere.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {"core" | "transport" | "store" | "pattern" | "tool" | "example" | "docs"} Kind
 * @typedef {{
 *   name: string, kind: Kind, folder: string, published: boolean,
 *   manifest: Record<string, any>,
 * }} Package `folder` is relative to the root, with forward slashes.
 */

/** @type {[Kind, string][]} */
const single = [
  ["core", "packages/core"],
  ["docs", "docs"],
];
/** @type {[Kind, string][]} */
const groups = [
  ["transport", "packages/transports"],
  ["store", "packages/stores"],
  ["pattern", "packages/patterns"],
  ["tool", "packages/tools"],
  ["example", "examples"],
];

/**
 * Every workspace package below `root`, core first, the rest by folder.
 * @param {string} root
 * @returns {Package[]}
 */
export function workspacePackages(root) {
  const candidates = [
    ...single,
    ...groups.flatMap(([kind, group]) =>
      foldersIn(join(root, group)).map((name) => /** @type {[Kind, string]} */ ([kind, `${group}/${name}`])),
    ),
  ];
  return candidates.flatMap(([kind, folder]) => {
    const file = join(root, folder, "package.json");
    if (!existsSync(file)) return [];
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    return [{ name: manifest.name, kind, folder, published: manifest.private !== true, manifest }];
  });
}

/**
 * The packages that go to the registry.
 * @param {string} root
 */
export const publishedPackages = (root) => workspacePackages(root).filter((each) => each.published);

/**
 * Import paths that a package offers, without `./package.json`: `[{ subpath: ".", entry }]`.
 * @param {Package} each
 */
export function entryPoints(each) {
  return Object.entries(each.manifest.exports ?? {})
    .filter(([subpath]) => subpath !== "./package.json")
    .map(([subpath, target]) => ({
      subpath,
      specifier: subpath === "." ? each.name : `${each.name}/${subpath.slice(2)}`,
      source: typeof target === "string" ? target : target["@postrider/source"],
      types: typeof target === "string" ? undefined : target.types,
    }));
}

/** @param {string} folder */
function foldersIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
