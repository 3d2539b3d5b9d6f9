// Started by root, the servers run as a system user without rights: PostgreSQL and MariaDB refuse root, the others need none of it.
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const user = "postrider";

/** The account for the servers, or undefined when this process is not root: then they run as its own user. */
export function account() {
  if (process.getuid?.() !== 0) return undefined;
  const known = lookUp();
  if (known) return known;
  const made = spawnSync(
    "useradd",
    [
      "--system",
      "--user-group",
      "--no-create-home",
      "--home-dir",
      "/nonexistent",
      "--shell",
      "/usr/sbin/nologin",
      user,
    ],
    { encoding: "utf8" },
  );
  const created = lookUp();
  if (!created) throw new Error(`useradd ${user}: ${made.error?.message ?? made.stderr.trim()}`);
  return created;
}

/** The words in front of a command that make it run as the account; the command keeps this pid. */
export function prefixFor(owner, folder) {
  if (!owner) return [];
  const words = ["setpriv", `--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  // A clone below /root is closed to other users: one capability opens the way in, for reading only. The secure bit
  // lets it count in access(2) too, by which Java and Erlang ask whether they may read a file.
  if (!isReachable(dirname(folder)))
    words.push(
      "--inh-caps=+dac_read_search",
      "--ambient-caps=+dac_read_search",
      "--securebits=+no_setuid_fixup",
    );
  return words;
}

/** A folder that only the servers' account can read. */
export function ownFolder(folder, owner) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (owner) chownSync(folder, owner.uid, owner.gid);
}

function lookUp() {
  const id = (flag) => spawnSync("id", [flag, user], { encoding: "utf8" });
  const uid = id("-u");
  return uid.status === 0 ? { name: user, uid: Number(uid.stdout), gid: Number(id("-g").stdout) } : undefined;
}

function isReachable(folder) {
  for (let at = folder; ; at = dirname(at)) {
    if (!(statSync(at, { throwIfNoEntry: false })?.mode & 0o001)) return false;
    if (at === dirname(at)) return true;
  }
}
