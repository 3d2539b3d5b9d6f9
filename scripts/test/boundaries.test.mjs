// Plants one violation at a time into a clean tree: each rule must bite, and only that rule.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { noCircular, rules } from "../boundaries/rules.mjs";
import { checkBoundaries } from "../check-boundaries.mjs";

const fixtures = fileURLToPath(new URL("fixtures/boundaries", import.meta.url));
const command = fileURLToPath(new URL("../check-boundaries.mjs", import.meta.url));
const names = [...rules.map((rule) => rule.name), noCircular.name];
const planted = readdirSync(fixtures).filter((folder) => folder !== "clean");

/** @type {string[]} */
const trees = [];
after(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

test("a clean tree breaks no rule", () => {
  const { modules, violations } = checkBoundaries(treeWith("clean"));
  assert.equal(modules, 29);
  assert.deepEqual(violations, []);
});

test("every rule has a planted violation", () => {
  const missing = names.filter((name) => !planted.some((folder) => ruleOf(folder) === name));
  assert.deepEqual(missing, []);
});

for (const folder of planted) {
  test(`${folder}: the planted import is named with file, import and rule`, () => {
    const { violations } = checkBoundaries(treeWith(folder));
    assert.deepEqual(
      violations.map((violation) => violation.rule),
      [ruleOf(folder)],
    );
    assert.match(violations[0]?.text ?? "", /^packages\/\S+ imports .+\n {2}[a-z-]+: .+/);
  });
}

test("a tree without a module fails: nothing was checked", () => {
  const empty = mkdtempSync(join(tmpdir(), "boundaries-"));
  trees.push(empty);
  const result = spawnSync(process.execPath, [command, empty], { encoding: "utf8" });
  assert.equal(result.status, 1);
  assert.match(result.stderr, /No module found/);
});

test("the command exits 0 on a clean tree and 1 on a violation", () => {
  assert.equal(spawnSync(process.execPath, [command, treeWith("clean")]).status, 0);
  assert.equal(spawnSync(process.execPath, [command, treeWith("no-circular")]).status, 1);
});

/** @param {string} folder Name of a rule, with more words after it where a rule has several fixtures. */
function ruleOf(folder) {
  return names.filter((name) => folder.startsWith(name)).sort((a, b) => b.length - a.length)[0];
}

/** @param {string} folder */
function treeWith(folder) {
  const tree = mkdtempSync(join(tmpdir(), "boundaries-"));
  trees.push(tree);
  cpSync(join(fixtures, "clean"), tree, { recursive: true });
  cpSync(join(fixtures, folder), tree, { recursive: true });
  return tree;
}
