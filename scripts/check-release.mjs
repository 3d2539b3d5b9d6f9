// node scripts/check-release.mjs: a release up to the point of publishing, on a copy of the working tree.
// A changeset goes in; versions, changelogs, peer ranges and the lock file must come out right. The real tree is read only.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockfileCases } from "./check-lockfile.mjs";
import { versionPackages } from "./version.mjs";
import { workspacePackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

const sentence = "A sentence that must reach the changelog.";

/**
 * @param {string} root
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
function releaseCases(root) {
  const copy = mkdtempSync(join(tmpdir(), "release-"));
  try {
    copyTree(root, copy);
    const before = workspacePackages(copy);
    const version = nextMinor(before.find((each) => each.kind === "core")?.manifest.version ?? "");
    writeFileSync(join(copy, ".changeset/sample.md"), `---\n"@postrider/core": minor\n---\n\n${sentence}\n`);
    commitAll(copy);
    versionPackages(copy, "pipe");
    const after = workspacePackages(copy);
    return [
      ...after.filter((each) => each.published).map((each) => packageCase(copy, each, version)),
      ...after.filter((each) => !each.published).map((each) => privateCase(each, before)),
      { title: "changesets are used up", problems: pendingChangesets(copy) },
      ...lockCases(copy, version),
    ];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * @param {string} copy
 * @param {import("./workspace/packages.mjs").Package} each
 * @param {string} version
 */
function packageCase(copy, { name, kind, folder, manifest }, version) {
  const file = join(copy, folder, "CHANGELOG.md");
  const changelog = existsSync(file) ? readFileSync(file, "utf8") : "";
  const range = `^${version}`;
  const problems = [
    manifest.version === version ? "" : `version is ${manifest.version}, expected ${version}`,
    changelog.includes(`## ${version}`) ? "" : `CHANGELOG.md has no entry for ${version}`,
    kind !== "core" || changelog.includes(sentence) ? "" : "CHANGELOG.md lacks the text of the changeset",
  ];
  if (kind !== "core")
    for (const list of ["peerDependencies", "devDependencies"]) {
      const found = manifest[list]?.["@postrider/core"];
      problems.push(found === range ? "" : `${list}: @postrider/core is ${found}, expected ${range}`);
    }
  return { title: `${name} ${version}`, problems: problems.filter(Boolean) };
}

/**
 * @param {import("./workspace/packages.mjs").Package} each
 * @param {import("./workspace/packages.mjs").Package[]} before
 */
function privateCase({ name, manifest }, before) {
  const earlier = before.find((each) => each.name === name)?.manifest;
  const same = JSON.stringify(earlier) === JSON.stringify(manifest);
  return { title: `${name} stays as it is`, problems: same ? [] : ["its package.json changed"] };
}

/** @param {string} copy */
function pendingChangesets(copy) {
  return readdirSync(join(copy, ".changeset")).filter((name) => name.endsWith(".md") && name !== "README.md");
}

/**
 * @param {string} copy
 * @param {string} version
 */
function lockCases(copy, version) {
  const lock = JSON.parse(readFileSync(join(copy, "package-lock.json"), "utf8"));
  const locked = lock.packages["packages/core"]?.version;
  return [
    {
      title: "the lock file follows",
      problems: locked === version ? [] : [`it has core ${locked}, expected ${version}`],
    },
    ...lockfileCases(lock),
  ];
}

/** What git tracks or would track, as it stands now. @param {string} root @param {string} copy */
function copyTree(root, copy) {
  const { stdout, status, stderr } = spawnSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`git ls-files failed: ${stderr}`);
  for (const file of stdout.split("\0").filter(Boolean)) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
}

/** changesets asks git which commit brought a changeset. @param {string} copy */
function commitAll(copy) {
  const author = ["-c", "user.name=release check", "-c", "user.email=release@example.invalid"];
  for (const args of [
    ["init", "-q", "-b", "main"],
    ["add", "-A"],
    [...author, "commit", "-qm", "Copy"],
  ]) {
    const { status, stderr } = spawnSync("git", args, { cwd: copy, encoding: "utf8" });
    if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  }
}

/** Pending changesets may ask for a major; before 1.0.0 none does. @param {string} version */
function nextMinor(version) {
  const [major, minor] = version.split(".").map(Number);
  return `${major}.${(minor ?? 0) + 1}.0`;
}

if (isProgram(import.meta))
  tally("release", releaseCases(fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "")));
