import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { identify, isAlive } from "./processes.mjs";
import { until } from "./wait.mjs";

/** How long a half-done take-over may stand before the next one clears it. It normally lasts microseconds. */
const takeoverMs = 10_000;

/**
 * Runs `work` while holding the lock file; waits for its holder, and takes the file over from a dead one.
 * @template T
 * @param {string} file
 * @param {{ timeoutMs: number }} options
 * @param {() => Promise<T>} work
 */
export async function withLock(file, { timeoutMs }, work) {
  mkdirSync(dirname(file), { recursive: true });
  const self = { ...identify(process.pid), nonce: `${process.pid}-${performance.now()}` };
  await until(() => tryLock(file, self), {
    what: `waiting for ${file} (held by ${holderOf(file)?.pid})`,
    timeoutMs,
  });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** The content must be there as soon as the file is: written beside it, then linked, which fails if the lock exists. */
function tryLock(file, self) {
  const draft = `${file}.${self.nonce}`;
  writeFileSync(draft, JSON.stringify(self));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    clearIfDead(file);
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Two who see the same dead holder must not both delete: the second would delete the first one's new lock. */
function clearIfDead(file) {
  if (isHeld(file)) return;
  const guard = `${file}.takeover`;
  try {
    writeFileSync(guard, "", { flag: "wx" });
  } catch {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > takeoverMs) rmSync(guard, { force: true });
    return;
  }
  try {
    if (!isHeld(file)) rmSync(file, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function isHeld(file) {
  const holder = holderOf(file);
  return holder !== undefined && isAlive(holder);
}

function holderOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
