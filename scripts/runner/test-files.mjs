// Which test files there are, at which level, and which servers each needs.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { parseSync } from "oxc-parser";
import { visit } from "../boundaries/modules.mjs";
import { workspacePackages } from "../workspace/packages.mjs";

/**
 * @typedef {"unit" | "integration" | "long"} Level
 * @typedef {{ path: string, suite: string }} TestFile `suite` is package and level, such as `core unit`.
 */

/** @type {Record<Level, RegExp>} The same patterns as in vitest.config.ts. */
const patterns = {
  unit: /(?<!\.(?:int|crash|long))\.test\.ts$/,
  integration: /\.(?:int|crash)\.test\.ts$/,
  long: /\.long\.test\.ts$/,
};

/**
 * @param {string} root
 * @param {Level} level
 * @returns {TestFile[]}
 */
export function testFiles(root, level) {
  return workspacePackages(root).flatMap(({ folder }) => {
    const tests = join(root, folder, "test");
    if (!existsSync(tests)) return [];
    return readdirSync(tests, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && patterns[level].test(entry.name))
      .map((entry) => posix.join(entry.parentPath.slice(root.length + 1).replaceAll("\\", "/"), entry.name))
      .sort()
      .map((path) => ({ path, suite: `${posix.basename(folder)} ${level}` }));
  });
}

/**
 * The servers that a test file asks for by `serverUrl("…")`, itself or through the files it imports.
 * @param {string} root
 * @param {string} path
 * @returns {string[]}
 */
export function serversOf(root, path) {
  /** @type {Set<string>} */
  const servers = new Set();
  const files = new Set([join(root, path)]);
  for (const file of files) {
    const { program } = parseSync(file, readFileSync(file, "utf8"));
    visit(program, (node) => {
      if (isServerUrlCall(node)) servers.add(literalOf(node, file.slice(root.length + 1)));
      const source = node.source?.value;
      if (typeof source !== "string" || !source.startsWith(".")) return;
      const imported = join(dirname(file), source);
      if (imported.endsWith(".ts") && existsSync(imported)) files.add(imported);
    });
  }
  return [...servers].sort();
}

/** @param {any} node */
function isServerUrlCall(node) {
  return (
    node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.name === "serverUrl"
  );
}

/**
 * @param {any} call
 * @param {string} file
 * @returns {string}
 */
function literalOf(call, file) {
  const [argument] = call.arguments;
  if (argument?.type === "Literal" && typeof argument.value === "string") return argument.value;
  throw new Error(
    `${file} calls serverUrl() with something else than a string literal: the runner cannot read it.`,
  );
}
