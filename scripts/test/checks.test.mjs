// The smaller checks, each shown a tree or a file that it must refuse.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { undocumented } from "../check-api.mjs";
import { changesetCases } from "../check-changesets.mjs";
import { lockfileCases } from "../check-lockfile.mjs";
import { workspaceCases } from "../check-workspace.mjs";
import { missingPlatformPackages } from "../complete-lockfile.mjs";
import { installations } from "../install/plan.mjs";
import { publishedPackages, workspacePackages } from "../workspace/packages.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** @type {string[]} */
const trees = [];
after(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

test("a lock file with a registry host is refused", () => {
  const lock = {
    packages: {
      "packages/core": { version: "1.0.0" },
      "node_modules/linked": { resolved: "packages/core", link: true },
      "node_modules/a": { version: "1.0.0", resolved: "https://registry.example/a.tgz" },
    },
  };
  assert.deepEqual(problemsOf(lockfileCases(lock)), ["node_modules/a: https://registry.example/a.tgz"]);
});

test("a lock file without the binaries of other systems is refused, and completed", () => {
  const wanted = { "@tool/linux-x64": "2.0.0", "@tool/darwin-arm64": "2.0.0" };
  const lock = {
    packages: {
      "node_modules/tool": { version: "2.0.0", dev: true, optionalDependencies: wanted },
      "node_modules/@tool/linux-x64": { version: "2.0.0" },
    },
  };
  assert.deepEqual(problemsOf(lockfileCases(lock)), ["node_modules/@tool/darwin-arm64"]);
  assert.deepEqual(missingPlatformPackages(lock), {
    "node_modules/@tool/darwin-arm64": {
      version: "2.0.0",
      dev: true,
      optional: true,
      cpu: ["arm64"],
      os: ["darwin"],
    },
  });
});

test("a binary of another version is not taken for the one that is missing", () => {
  const lock = {
    packages: {
      "node_modules/tool": { version: "1.0.0", optionalDependencies: { "@tool/darwin-arm64": "1.0.0" } },
      "node_modules/other/node_modules/tool": {
        version: "2.0.0",
        optionalDependencies: { "@tool/darwin-arm64": "2.0.0" },
      },
      "node_modules/@tool/darwin-arm64": { version: "1.0.0" },
    },
  };
  assert.deepEqual(Object.keys(missingPlatformPackages(lock)), [
    "node_modules/other/node_modules/tool/node_modules/@tool/darwin-arm64",
  ]);
});

/** @type {[string, (manifest: any) => void, RegExp][]} */
const manifestFaults = [
  ["another licence", (manifest) => (manifest.license = "MIT"), /license is MIT/],
  ["another version", (manifest) => (manifest.version = "9.9.9"), /version is 9\.9\.9, core's is/],
  [
    "core as a dependency",
    (manifest) => (manifest.dependencies = { "@postrider/core": "*" }),
    /@postrider\/core is a dependency/,
  ],
  ["core as no peer", (manifest) => delete manifest.peerDependencies, /is no peer dependency/],
  [
    "another dev range",
    (manifest) => (manifest.devDependencies["@postrider/core"] = "*"),
    /dev range differs from the peer range/,
  ],
  [
    "an import-only export",
    (manifest) => (manifest.exports["."] = { types: "./dist/index.d.ts", import: "./dist/index.js" }),
    /exports\["\."\] has "types import"/,
  ],
];
for (const [fault, plant, expected] of manifestFaults) {
  test(`the manifest of a package with ${fault} is refused`, () => {
    const tree = copyOfManifests();
    const file = join(tree, "packages/stores/postgres/package.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    plant(manifest);
    writeFileSync(file, JSON.stringify(manifest));
    assert.match(problemsOf(workspaceCases(tree)).join("\n"), expected);
  });
}

test("a package without licence, README, project reference or tag is refused", () => {
  const tree = copyOfManifests();
  const folder = join(tree, "packages/stores/postgres");
  for (const file of ["LICENSE", "README.md", "turbo.json"]) rmSync(join(folder, file));
  writeFileSync(join(tree, "tsconfig.json"), '{ "references": [] }');
  const problems = problemsOf(workspaceCases(tree)).join("\n");
  for (const expected of [
    /LICENSE is missing/,
    /README\.md is missing/,
    /no reference to packages\/stores/,
    /lacks the tag/,
  ])
    assert.match(problems, expected);
});

test("the manifests of this repository pass", () => {
  assert.deepEqual(problemsOf(workspaceCases(copyOfManifests())), []);
});

const changeset = (/** @type {string} */ name) => `---\n"@postrider/${name}": minor\n---\n\nSomething.\n`;

test("before the first release, every published package must be named in a changeset", () => {
  const tree = repository({ ".changeset/a.md": changeset("core") });
  assert.match(
    problemsOf(changesetCases(tree)).join("\n"),
    /since the beginning.*no changeset names the package/,
  );
  write(tree, { ".changeset/b.md": changeset("ledger") });
  assert.deepEqual(problemsOf(changesetCases(tree)), []);
});

test("after a release, a changed package without a changeset is refused, committed or not", () => {
  const tree = released();
  assert.deepEqual(problemsOf(changesetCases(tree)), []);
  write(tree, { "packages/core/src/index.ts": "export const changed = 1;\n" });
  assert.match(problemsOf(changesetCases(tree)).join("\n"), /since the last release .*no changeset names/);
  commit(tree, "Change core");
  assert.match(problemsOf(changesetCases(tree)).join("\n"), /since the last release .*no changeset names/);
  write(tree, { ".changeset/c.md": changeset("core") });
  assert.deepEqual(problemsOf(changesetCases(tree)), []);
});

test("a test or a document is no published change", () => {
  const tree = released();
  write(tree, { "packages/core/test/a.test.ts": "export {};\n", "packages/core/README.md": "# Core\n" });
  assert.deepEqual(problemsOf(changesetCases(tree)), []);
});

test("a branch brings its own changeset: one that waits on main does not count", () => {
  const tree = released();
  write(tree, { ".changeset/waiting.md": changeset("core") });
  commit(tree, "A changeset on main");
  git(tree, "switch", "-qc", "topic");
  write(tree, { "packages/core/src/index.ts": "export const topic = 1;\n" });
  commit(tree, "Change core on a branch");
  assert.match(problemsOf(changesetCases(tree)).join("\n"), /since the branch left main/);
  write(tree, { ".changeset/own.md": changeset("core") });
  assert.deepEqual(problemsOf(changesetCases(tree)), []);
});

test("a clone with nothing but main is judged from the last release, a shallow one is refused", () => {
  const tree = released();
  write(tree, { "packages/core/src/index.ts": "export const changed = 1;\n" });
  commit(tree, "Change core");
  const clone = cloneOf(tree);
  assert.match(problemsOf(changesetCases(clone)).join("\n"), /since the last release/);
  assert.match(problemsOf(changesetCases(cloneOf(tree, "--depth=1"))).join("\n"), /shallow/);
});

test("installation is tried with core alone, then with every other package", () => {
  const titles = installations(publishedPackages(root)).map((each) => each.title);
  assert.deepEqual(titles.slice(0, 2), ["core alone", "core with its optional peers"]);
  assert.equal(titles.length, publishedPackages(root).length + 1);
});

/** @param {import("../workspace/tally.mjs").Case[]} cases */
function problemsOf(cases) {
  assert.ok(cases.length > 0);
  return cases.flatMap((each) => each.problems);
}

/** What check-workspace reads of this repository, in a folder that may be spoilt. */
function copyOfManifests() {
  const tree = folder();
  const files = ["package.json", "README.md", "LICENSE", "turbo.json"];
  const folders = workspacePackages(root).map((each) => each.folder);
  const paths = folders.flatMap((each) => files.map((file) => `${each}/${file}`));
  for (const path of ["LICENSE", "tsconfig.json", "tsconfig.test.json", ...paths])
    if (existsSync(join(root, path))) cpSync(join(root, path), join(tree, path), { recursive: true });
  return tree;
}

/** A repository with two packages and one commit. @param {Record<string, string>} files */
function repository(files) {
  const tree = folder();
  git(tree, "init", "-qb", "main");
  const manifest = (/** @type {string} */ name) =>
    `{\n  "name": "@postrider/${name}",\n  "version": "0.0.0"\n}\n`;
  write(tree, {
    "packages/core/package.json": manifest("core"),
    "packages/core/src/index.ts": "export {};\n",
    "packages/stores/ledger/package.json": manifest("ledger"),
    "packages/stores/ledger/src/index.ts": "export {};\n",
    ...files,
  });
  commit(tree, "Begin");
  return tree;
}

/** The same after `changeset version`. */
function released() {
  const tree = repository({});
  for (const file of ["packages/core/package.json", "packages/stores/ledger/package.json"])
    write(tree, { [file]: readFileSync(join(tree, file), "utf8").replace("0.0.0", "0.1.0") });
  commit(tree, "Release 0.1.0");
  return tree;
}

/**
 * @param {string} tree
 * @param {...string} options
 */
function cloneOf(tree, ...options) {
  const clone = folder();
  git(clone, "clone", "-q", ...options, `file://${tree}`, ".");
  return clone;
}

function folder() {
  const tree = mkdtempSync(join(tmpdir(), "checks-"));
  trees.push(tree);
  return tree;
}

/**
 * @param {string} tree
 * @param {Record<string, string>} files
 */
function write(tree, files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
}

/**
 * @param {string} tree
 * @param {string} message
 */
function commit(tree, message) {
  git(tree, "add", "-A");
  git(tree, "-c", "user.name=test", "-c", "user.email=test@example.invalid", "commit", "-qm", message);
}

/**
 * @param {string} tree
 * @param {...string} args
 */
function git(tree, ...args) {
  const { status, stderr } = spawnSync("git", args, { cwd: tree, encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

test("an export without a docstring is found in the report of its package", () => {
  const report = [
    "// @public",
    "export interface Documented {",
    "// @public (undocumented)",
    "export interface Bare {",
    "// @public (undocumented)",
    "export function silent(): void;",
  ].join("\n");
  assert.deepEqual(undocumented(report), [
    "No docstring says what the caller gets of: interface Bare {",
    "No docstring says what the caller gets of: function silent(): void;",
  ]);
});

test("a member that is called without a docstring is found, one that holds a value is not", () => {
  const report = [
    "// @public",
    "export interface Documented {",
    "    // (undocumented)",
    "    close(): void;",
    "    // (undocumented)",
    "    readonly name: string;",
    "    // (undocumented)",
    "    readonly headers: readonly (readonly [name: string, value: string])[];",
    "    // (undocumented)",
    "    query<Row>(text: string): Promise<{",
    "    // (undocumented)",
    "    (data: string): void;",
    "    // (undocumented)",
    "    readonly setup?: (() => Promise<void>) | undefined;",
    "    pause(): void;",
    "}",
  ].join("\n");
  assert.deepEqual(undocumented(report), [
    "No docstring says what a call comes to of: close(): void;",
    "No docstring says what a call comes to of: query<Row>(text: string): Promise<{",
    "No docstring says what a call comes to of: (data: string): void;",
    "No docstring says what a call comes to of: readonly setup?: (() => Promise<void>) | undefined;",
  ]);
});
