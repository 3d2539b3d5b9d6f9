// node scripts/check-changesets.mjs [root]: every published package that changed is named in a changeset.
//
// On a branch, what counts is the branch: its changes and the changesets it brings. On main, and in a clone that has
// nothing else, it is everything since the last release: the commit that last changed the version of core.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { publishedPackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/** The commit before there was anything. */
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/**
 * @param {string} root
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
export function changesetCases(root) {
  const shallow = git(root, "rev-parse", "--is-shallow-repository");
  if (shallow === "")
    return [{ title: root, problems: ["This is no git repository: what changed cannot be told."] }];
  if (shallow === "true")
    return [
      {
        title: root,
        problems: ["The clone is shallow: run git fetch --unshallow, the last release is looked up."],
      },
    ];
  const base = startOfChanges(root);
  const changed = changedFiles(root, base);
  const named = changesetNames(root, base);
  return publishedPackages(root).map(({ name, folder }) => {
    const files = changed.filter((file) => isPublished(file, folder));
    const missing = files.length > 0 && !named.has(name);
    return {
      title: name,
      problems: missing
        ? [
            `${files.length} published files changed since ${base.says}, such as ${files[0]}, and no changeset names the package. Run: npx changeset`,
          ]
        : [],
    };
  });
}

/**
 * @param {string} root
 * @returns {{ commit: string, says: string, ownChangesetsOnly: boolean }}
 */
function startOfChanges(root) {
  const head = git(root, "rev-parse", "HEAD");
  for (const main of ["origin/main", "main"]) {
    const fork = git(root, "merge-base", "HEAD", main);
    if (fork && fork !== head)
      return { commit: fork, says: `the branch left ${main}`, ownChangesetsOnly: true };
  }
  const release = git(
    root,
    "log",
    "-1",
    "--format=%H",
    "-G",
    '^ *"version":',
    "--",
    "packages/core/package.json",
  );
  const first = git(root, "log", "--diff-filter=A", "--format=%H", "--", "packages/core/package.json");
  if (!release || release === first.split("\n").at(-1))
    return { commit: emptyTree, says: "the beginning", ownChangesetsOnly: false };
  return { commit: release, says: `the last release (${release.slice(0, 8)})`, ownChangesetsOnly: false };
}

/**
 * Committed or not.
 * @param {string} root
 * @param {{ commit: string }} base
 */
function changedFiles(root, { commit }) {
  const tracked = git(root, "diff", "--name-only", commit);
  const untracked = git(root, "ls-files", "--others", "--exclude-standard");
  return [...new Set(`${tracked}\n${untracked}`.split("\n").filter(Boolean))].sort();
}

/**
 * The packages that pending changesets name.
 * @param {string} root
 * @param {{ commit: string, ownChangesetsOnly: boolean }} base
 * @returns {Set<string>}
 */
function changesetNames(root, base) {
  const folder = join(root, ".changeset");
  if (!existsSync(folder)) return new Set();
  const own = base.ownChangesetsOnly ? new Set(changedFiles(root, base)) : undefined;
  const files = readdirSync(folder).filter(
    (name) => name.endsWith(".md") && name !== "README.md" && (own?.has(`.changeset/${name}`) ?? true),
  );
  return new Set(files.flatMap((name) => namesIn(readFileSync(join(folder, name), "utf8"))));
}

/** @param {string} text a changeset: YAML between two lines of dashes, one `"package": bump` a line */
function namesIn(text) {
  const [, front = ""] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? [];
  return [...front.matchAll(/^["']?([^"':\s]+)["']?\s*:\s*(?:major|minor|patch)\s*$/gm)].map(
    ([, name = ""]) => name,
  );
}

/**
 * @param {string} file
 * @param {string} folder
 */
function isPublished(file, folder) {
  return file.startsWith(`${folder}/src/`) || file === `${folder}/package.json`;
}

/**
 * Output of git, or an empty string where git says no.
 * @param {string} root
 * @param {...string} args
 */
function git(root, ...args) {
  const { status, stdout, error } = spawnSync("git", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  return status === 0 ? stdout.trim() : "";
}

if (isProgram(import.meta)) {
  const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  tally("changesets", changesetCases(root));
}
