// Where a server's files live: one folder per server, all below the git-ignored `.services`.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "../toolchain.mjs";

/** Another folder makes another set of servers, apart from the usual one. */
const home = resolve(process.env.POSTRIDER_SERVICES_FOLDER || join(root, ".services"));
/** What was downloaded is the same for every set. */
export const cache = join(root, ".services", "cache");

/** @param {string} name */
export function folderOf(name) {
  return join(home, name);
}

/** What the script knows of a server that it has set up: ports, password, processes. Undefined if never started. */
export function readState(name) {
  let text;
  try {
    text = readFileSync(join(folderOf(name), "state.json"), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(
      `${join(folderOf(name), "state.json")} is not JSON. If no process of ${name} runs any more, delete ${folderOf(name)}.`,
    );
  }
}

/** Written beside and renamed, so that a reader never sees half a file; 0600, because it holds a password. */
export function writeState(name, state) {
  mkdirSync(folderOf(name), { recursive: true });
  const file = join(folderOf(name), "state.json");
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Removes everything of a server but its lock, which the caller holds. */
export function purge(name) {
  for (const part of ["data", "conf", "log", "state.json"])
    rmSync(join(folderOf(name), part), { recursive: true, force: true });
}
