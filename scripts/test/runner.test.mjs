// The test runner must not make a red run look green: what is skipped, lost or broken outside of a test is counted.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readArguments } from "../runner/arguments.mjs";
import { readTap } from "../runner/node-tests.mjs";
import { checkResult, totals } from "../runner/result.mjs";
import { withServers } from "../runner/servers.mjs";
import { closingReport } from "../runner/table.mjs";
import { serversOf, testFiles } from "../runner/test-files.mjs";
import { runVitest } from "../runner/vitest.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");
const known = { steps: ["unit", "lint"], servers: ["kafka", "redis"] };

/** @type {string[]} */
const trees = [];
after(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

test("words choose steps and leave servers out", () => {
  assert.deepEqual(readArguments([], known), { only: [], without: [] });
  assert.deepEqual(readArguments(["unit", "--without", "kafka,redis"], known), {
    only: ["unit"],
    without: ["kafka", "redis"],
  });
  assert.deepEqual(readArguments(["--without=kafka"], known), { only: [], without: ["kafka"] });
});

test("a word that names nothing is refused with the names that exist", () => {
  assert.throws(() => readArguments(["units"], known), /no step "units"\. There are: unit lint/);
  assert.throws(
    () => readArguments(["--without", "kafak"], known),
    /no server "kafak"\. There are: kafka redis/,
  );
  assert.throws(() => readArguments(["--without"], known), /wants the names of servers/);
  assert.throws(() => readArguments(["--fast"], known), /no option --fast/);
});

test("a check counts what its last line says, and one failure if it dies without saying", () => {
  const ended = (/** @type {number} */ status, /** @type {string} */ output) => ({
    status,
    output,
    seconds: 1,
  });
  const counts = (/** @type {ReturnType<typeof ended>} */ each) => {
    const [suite] = checkResult("check", each).suites;
    return [suite?.passed, suite?.failed];
  };
  assert.deepEqual(counts(ended(0, "")), [1, 0]);
  assert.deepEqual(counts(ended(1, "")), [0, 1]);
  assert.deepEqual(counts(ended(1, "api: 3 passed, 2 failed\n")), [3, 2]);
  assert.deepEqual(counts(ended(1, "api: 3 passed, 0 failed\nthen it crashed")), [3, 1]);
});

test("a TAP report is counted; a run that dies without a report is a failure", () => {
  assert.deepEqual(readTap("# tests 4\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n", 1), {
    passed: 2,
    failed: 1,
    skipped: 1,
  });
  assert.deepEqual(readTap("", 1), { passed: 0, failed: 1, skipped: 0 });
});

test("the report ends in one plain line, in which a skipped test counts as failed", () => {
  const suites = [
    { suite: "core unit", passed: 5, failed: 0, skipped: 1, seconds: 0.25 },
    { suite: "lint", passed: 1, failed: 1, skipped: 0, seconds: 2 },
  ];
  const report = closingReport(suites, [
    { suite: "kafka integration", reason: "left out by --without kafka" },
  ]);
  assert.equal(report.split("\n").at(-1), "6 passed, 2 failed");
  assert.match(report, /core unit +5 +0 +1 +0\.3/);
  assert.match(report, /A skipped test counts as failed/);
  assert.match(report, /kafka integration +left out by --without kafka/);
  assert.deepEqual(totals(suites), { passed: 6, failed: 2 });
});

test("test files are told apart by level, and belong to their package", () => {
  const tree = treeOf({
    "packages/core/package.json": '{ "name": "@postrider/core" }',
    "packages/core/test/a.test.ts": "",
    "packages/core/test/deep/b.prop.test.ts": "",
    "packages/core/test/c.test-d.ts": "",
    "packages/stores/ledger/package.json": '{ "name": "@postrider/ledger" }',
    "packages/stores/ledger/test/d.int.test.ts": "",
    "packages/stores/ledger/test/e.crash.test.ts": "",
    "packages/stores/ledger/test/f.long.test.ts": "",
  });
  const found = (/** @type {"unit" | "integration" | "long"} */ level) =>
    testFiles(tree, level).map(({ path, suite }) => `${suite}: ${path.split("/").at(-1)}`);
  assert.deepEqual(found("unit"), ["core unit: a.test.ts", "core unit: b.prop.test.ts"]);
  assert.deepEqual(found("integration"), [
    "ledger integration: d.int.test.ts",
    "ledger integration: e.crash.test.ts",
  ]);
  assert.deepEqual(found("long"), ["ledger long: f.long.test.ts"]);
});

test("the servers of a file are those it asks for, itself or through what it imports", () => {
  const tree = treeOf({
    "test/a.int.test.ts": 'import { pool } from "./pool.ts";\nserverUrl("redis");\n// serverUrl("kafka")\n',
    "test/pool.ts": 'export const pool = () => serverUrl("postgres");\n',
    "test/b.int.test.ts": 'for (const name of ["redis"]) serverUrl(name);\n',
  });
  assert.deepEqual(serversOf(tree, "test/a.int.test.ts"), ["postgres", "redis"]);
  assert.throws(() => serversOf(tree, "test/b.int.test.ts"), /something else than a string literal/);
});

test("a file whose server is left out is named as not run, with the reason", async () => {
  const tree = treeOf({ "test/a.int.test.ts": 'serverUrl("kafka");\n' });
  const file = { path: "test/a.int.test.ts", suite: "kafka integration" };
  const { files, result } = await withServers(tree, [file], {
    without: ["kafka"],
    startedByUs: new Set(),
    log: () => {},
  });
  assert.deepEqual(files, []);
  assert.deepEqual(result.suites, []);
  assert.deepEqual(result.notRun, [
    { suite: "kafka integration: test/a.int.test.ts", reason: "left out by --without kafka" },
  ]);
});

test("vitest's passed, failed, skipped and broken files are all counted", async () => {
  const it = 'import { expect, test } from "vitest";\n';
  const tree = treeOf({
    "vitest.config.mjs":
      'export default { test: { projects: [{ test: { name: "unit", include: ["test/**/*.test.ts"] } }] } };\n',
    "test/passes.test.ts": `${it}test("one", () => expect(1).toBe(1));\n`,
    "test/fails.test.ts": `${it}test("one", () => expect(1).toBe(2));\n`,
    "test/skips.test.ts": `${it}test.skip("one", () => {});\ntest.todo("two");\ntest("three", () => expect(1).toBe(1));\n`,
    "test/breaks.test.ts": `${it}throw new Error("while loading");\n`,
    "test/empty.test.ts": it,
  });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  const names = ["passes", "fails", "skips", "breaks", "empty", "is-not-there"];
  const files = names.map((name) => ({ path: `test/${name}.test.ts`, suite: name }));
  const workplace = { root: tree, node: process.execPath, signal: new AbortController().signal };
  const { suites, report } = await runVitest(workplace, "unit", files);
  assert.deepEqual(
    suites.map(({ suite, passed, failed, skipped }) => [suite, passed, failed, skipped]),
    [
      ["passes", 1, 0, 0],
      ["fails", 0, 1, 0],
      ["skips", 1, 0, 2],
      ["breaks", 0, 1, 0],
      ["empty", 0, 1, 0],
      ["is-not-there", 0, 1, 0],
    ],
  );
  assert.match(report, /test\/is-not-there\.test\.ts left no result/);
});

test("an error outside of any test fails the run", async () => {
  const tree = treeOf({
    "vitest.config.mjs":
      'export default { test: { projects: [{ test: { name: "unit", include: ["test/**/*.test.ts"] } }] } };\n',
    "test/passes.test.ts":
      'import { expect, test } from "vitest";\ntest("one", () => {\n  void Promise.reject(new Error("unhandled"));\n  expect(1).toBe(1);\n});\n',
  });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  const workplace = { root: tree, node: process.execPath, signal: new AbortController().signal };
  const { suites } = await runVitest(workplace, "unit", [
    { path: "test/passes.test.ts", suite: "core unit" },
  ]);
  assert.deepEqual(totals(suites), { passed: 1, failed: 1 });
});

/** @param {Record<string, string>} files */
function treeOf(files) {
  const tree = mkdtempSync(join(tmpdir(), "runner-"));
  trees.push(tree);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  return tree;
}
