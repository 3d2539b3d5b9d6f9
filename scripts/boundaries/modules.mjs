// Reads the modules of the workspace and what each of them imports, with a real parser: comments and strings
// that look like imports do not count, `import type`, `import("x")` and `require("x")` do.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { parseSync } from "oxc-parser";
import { workspacePackages } from "../workspace/packages.mjs";

/**
 * @typedef {import("../workspace/packages.mjs").Package} Package
 * @typedef {{ path: string, owner: Package, area: string, inside: string, imports: Import[] }} Module
 *   `path` from the root; `area` is `src`, `test` or `bench`; `inside` is the path inside that area.
 * @typedef {{ kind: "file", path: string, exists: boolean } | { kind: "builtin", name: string }
 *   | { kind: "package", name: string, subpath: string, owner: Package | undefined }} Target
 * @typedef {{ specifier: string, line: number, typeOnly: boolean, target: Target }} Import
 */

const areas = ["src", "test", "bench"];
const builtins = new Set(builtinModules);

/**
 * Every module of every package, with its imports resolved.
 * @param {string} root
 * @returns {{ packages: Package[], modules: Module[], broken: string[] }} `broken` names files that do not parse.
 */
export function readModules(root) {
  const packages = workspacePackages(root);
  const byName = new Map(packages.map((each) => [each.name, each]));
  /** @type {string[]} */
  const broken = [];
  const modules = packages.flatMap((owner) =>
    areas.flatMap((area) =>
      sourceFiles(root, `${owner.folder}/${area}`).map((path) => {
        const text = readFileSync(join(root, path), "utf8");
        const parsed = parseSync(path, text);
        if (parsed.errors.length > 0) broken.push(`${path}: ${parsed.errors[0]?.message}`);
        const imports = importsOf(parsed.program).map(({ specifier, start, typeOnly }) => ({
          specifier,
          typeOnly,
          line: text.slice(0, start).split("\n").length,
          target: resolve(root, path, specifier, byName),
        }));
        return { path, owner, area, inside: path.slice(owner.folder.length + area.length + 2), imports };
      }),
    ),
  );
  return { packages, modules, broken };
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function sourceFiles(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts"))
    .map((entry) => posix.join(entry.parentPath.slice(root.length + 1).replaceAll("\\", "/"), entry.name))
    .filter((path) => !path.includes("/node_modules/"))
    .sort();
}

/** @param {unknown} program */
function importsOf(program) {
  /** @type {{ specifier: string, start: number, typeOnly: boolean }[]} */
  const found = [];
  visit(program, (node) => {
    const source = importSource(node);
    if (source?.type === "Literal" && typeof source.value === "string")
      found.push({ specifier: source.value, start: source.start, typeOnly: isTypeOnly(node) });
  });
  return found;
}

/** @param {any} node */
function importSource(node) {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return node.source;
    case "TSExternalModuleReference":
      return node.expression;
    case "CallExpression":
      return node.callee.type === "Identifier" && node.callee.name === "require"
        ? node.arguments[0]
        : undefined;
    default:
      return undefined;
  }
}

/** @param {any} node `import { type A }` keeps the import at run time (verbatimModuleSyntax): not type-only. */
function isTypeOnly(node) {
  return node.type === "TSImportType" || node.importKind === "type" || node.exportKind === "type";
}

/**
 * Every node of a syntax tree, parents first.
 * @param {any} node
 * @param {(node: any) => void} enter
 */
export function visit(node, enter) {
  if (Array.isArray(node)) for (const each of node) visit(each, enter);
  else if (node !== null && typeof node === "object") {
    if (typeof node.type === "string") enter(node);
    for (const key of Object.keys(node)) if (typeof node[key] === "object") visit(node[key], enter);
  }
}

/**
 * @param {string} root
 * @param {string} from
 * @param {string} specifier
 * @param {Map<string, Package>} byName
 * @returns {Target}
 */
function resolve(root, from, specifier, byName) {
  if (specifier.startsWith(".")) {
    const path = posix.join(posix.dirname(from), specifier);
    return { kind: "file", path, exists: existsSync(join(root, path)) };
  }
  const [first = "", second] = specifier.split("/");
  if (specifier.startsWith("node:") || builtins.has(first)) return { kind: "builtin", name: specifier };
  const name = first.startsWith("@") ? `${first}/${second}` : first;
  const rest = specifier.slice(name.length + 1);
  return { kind: "package", name, subpath: rest === "" ? "." : `./${rest}`, owner: byName.get(name) };
}
