// Plants what the linter must refuse, one file per rule, under the repository's own configuration.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fixtures = join(root, "scripts/test/fixtures/lint");
const tree = mkdtempSync(join(tmpdir(), "lint-"));
const isTest = (/** @type {string} */ file) => file.endsWith(".test.ts");
const placeOf = (/** @type {string} */ file) => `packages/planted/${isTest(file) ? "test" : "src"}/${file}`;

/** @type {Map<string, string[]>} rules by file */
const findings = new Map();

before(() => {
  for (const folder of ["packages/planted/src", "packages/planted/test"])
    mkdirSync(join(tree, folder), { recursive: true });
  for (const file of [".oxlintrc.json", "tsconfig.base.json"])
    copyFileSync(join(root, file), join(tree, file));
  writeFileSync(
    join(tree, "tsconfig.json"),
    '{ "extends": "./tsconfig.base.json", "include": ["packages"] }\n',
  );
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  for (const file of readdirSync(fixtures)) copyFileSync(join(fixtures, file), join(tree, placeOf(file)));
  writeFileSync(
    join(tree, placeOf("max-lines.ts")),
    Array.from({ length: 401 }, (_, line) => `export const n${line} = ${line};\n`).join(""),
  );
  lint();
});
after(() => rmSync(tree, { recursive: true, force: true }));

const planted = [...readdirSync(fixtures), "max-lines.ts"].filter((file) => !file.startsWith("clean"));

for (const file of planted) {
  const rule = file.replace(/(-Planted|-other)?(\.test)?\.ts$/, "");
  test(`${rule} bites on ${file}`, () => {
    assert.ok(
      findings.get(placeOf(file))?.includes(rule),
      `found: ${findings.get(placeOf(file))?.join() ?? "nothing"}`,
    );
  });
}

test("clean files have no findings", () => {
  assert.equal(findings.get(placeOf("clean.ts")), undefined);
  assert.equal(findings.get(placeOf("clean.test.ts")), undefined);
});

function lint() {
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const result = spawnSync(process.execPath, [oxlint, "--format=json"], { cwd: tree, encoding: "utf8" });
  assert.equal(result.status, 1, result.stderr);
  for (const { code, filename } of JSON.parse(result.stdout).diagnostics) {
    const rule = /\(([^)]+)\)$/.exec(code)?.[1] ?? code;
    findings.set(filename, [...(findings.get(filename) ?? []), rule]);
  }
}
