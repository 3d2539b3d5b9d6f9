// Debian's packages, without Debian's services: what a package brings must not start, and what ran before stays untouched.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { findProgram, runToEnd } from "./programs.mjs";
import { withLock } from "./lock.mjs";

const policy = "/usr/sbin/policy-rc.d";
const saved = `${policy}.before-postrider`;
const sign = "# written by Postrider's scripts/services";

/** Denies starts to our own installation only, told by its environment; harmless if it is left behind by a crash. */
const policyText = `#!/bin/sh
${sign}: packages that it installs must not start servers
[ "$POSTRIDER_INSTALL" = yes ] && exit 101
[ -x ${saved} ] && exec ${saved} "$@"
exit 0
`;

/** Why packages cannot be installed here, or undefined if they can. */
export function whyNotApt() {
  if (!findProgram("apt-get")) return "there is no apt-get here";
  if (process.getuid?.() !== 0) return "installing packages needs root";
  return undefined;
}

function isInstalled(name) {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8" });
  return stdout === "installed";
}

/**
 * Installs what is missing; `a|b` means the first that the system has. The `bootUnits` of packages that were
 * not there before are disabled, so that they do not start after a reboot either.
 */
export function installPackages(names, { bootUnits = {}, log }) {
  // One at a time on the whole machine: two would take each other's policy file for the original.
  return withLock("/run/lock/postrider-apt.lock", { timeoutMs: 900_000 }, async () => {
    const wanted = names.map((name) => name.split("|")).filter((choice) => !choice.some(isInstalled));
    if (wanted.length === 0) return;
    if (!wanted.every((choice) => choice.some(isKnown))) await update(log);
    const missing = wanted.map((choice) => choice.find(isKnown) ?? nowhere(choice));
    log(`installing ${missing.join(" ")}`);
    const newUnits = Object.entries(bootUnits).flatMap(([name, units]) => (isInstalled(name) ? [] : units));
    await guarded(() => installOrRefresh(missing, log));
    disableAtBoot(newUnits);
  });
}

/** Lists may be older than the archive: then a download fails with 404, and a second try with new lists works. */
async function installOrRefresh(names, log) {
  try {
    await install(names);
  } catch {
    await update(log);
    await install(names);
  }
}

async function update(log) {
  log("apt-get update");
  await aptGet(["update", "-q"]);
}

function install(names) {
  return aptGet(["install", "-y", "-q", "--no-install-recommends", "--no-upgrade", ...names]);
}

function aptGet(args) {
  const settings = [
    "DPkg::Lock::Timeout=300",
    "Dpkg::Options::=--force-confdef",
    "Dpkg::Options::=--force-confold",
  ];
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: "noninteractive",
    NEEDRESTART_SUSPEND: "1",
    POSTRIDER_INSTALL: "yes",
  };
  return runToEnd(["apt-get", ...settings.flatMap((text) => ["-o", text]), ...args], {
    env,
    timeoutMs: 600_000,
  });
}

async function guarded(work) {
  if (existsSync(policy) && !isOurs(policy)) renameSync(policy, saved);
  writeFileSync(policy, policyText, { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(policy, { force: true });
    if (existsSync(saved)) renameSync(saved, policy);
  }
}

function disableAtBoot(units) {
  if (!findProgram("systemctl")) return;
  for (const unit of units) spawnSync("systemctl", ["disable", unit], { stdio: "ignore" });
}

function nowhere(choice) {
  throw new Error(`no package ${choice.join(" or ")} in the sources of apt`);
}

function isKnown(name) {
  const { stdout } = spawnSync("apt-cache", ["policy", name], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  return /Candidate: (?!\(none\))/.test(stdout);
}

function isOurs(file) {
  return readFileSync(file, "utf8").includes(sign);
}
