// Processes are known by pid and kernel start time: a pid alone may have passed to a stranger since.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync, readlinkSync, renameSync, statSync } from "node:fs";
import { sep } from "node:path";
import { until } from "./wait.mjs";

/** In the environment of every process that a server's folder owns; children inherit it. */
const marker = "POSTRIDER_SERVER_FOLDER";

/** The process with this pid, or undefined if there is none or only its exit code is left. */
export function identify(pid) {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** True while the very process that was recorded still runs, frozen or not. */
export function isAlive(record) {
  return readStat(record.pid)?.startTime === record.startTime;
}

export function isFrozen(record) {
  const stat = readStat(record.pid);
  return stat?.startTime === record.startTime && stat.state === "T";
}

/** Sends the signal unless the recorded process is gone. Returns whether it was sent. */
export function signal(record, name) {
  if (!isAlive(record)) return false;
  try {
    process.kill(record.pid, name);
    return true;
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}

/** The recorded process and all its descendants, parents first. */
export function treeOf(record) {
  if (!isAlive(record)) return [];
  const all = processTable();
  const tree = [record];
  for (const { pid } of tree)
    for (const child of all)
      if (child.ppid === pid) tree.push({ pid: child.pid, startTime: child.startTime });
  return tree;
}

/**
 * Processes that belong to a server's folder, also those whose parent is gone.
 * Told by the marker in their environment. PostgreSQL overwrites its environment with a process title:
 * there, a process that runs one of the server's own programs inside the folder is ours as well.
 */
export function ownedBy(folder, programs = []) {
  return processTable()
    .filter(
      ({ pid }) => environmentOf(pid).includes(`${marker}=${folder}`) || runsInside(pid, folder, programs),
    )
    .map(({ pid, startTime }) => ({ pid, startTime }));
}

/** Starts a process that outlives this one, its output appended to `log`. Resolves with its identity. */
export async function launch({ argv, env, cwd, log, folder }) {
  rotate(log);
  const output = openSync(log, "a");
  try {
    const [command, ...args] = argv;
    const child = spawn(command, args, {
      cwd,
      detached: true,
      env: { ...env, [marker]: folder },
      stdio: ["ignore", output, output],
    });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    const record = identify(child.pid);
    if (!record) throw new Error(`${command} ended at once${tail(log)}`);
    return record;
  } finally {
    closeSync(output);
  }
}

/** Ends the processes: `name` first, SIGKILL for what is left after `graceMs`. */
export async function end(records, { name = "SIGTERM", graceMs }) {
  const living = () => records.filter(isAlive);
  for (const record of living()) {
    signal(record, "SIGCONT");
    signal(record, name);
  }
  await until(() => living().length === 0, { what: "ending", timeoutMs: graceMs }).catch(() => {});
  for (const record of living()) signal(record, "SIGKILL");
  await until(() => living().length === 0, {
    what: `ending ${living().map(({ pid }) => pid)} with SIGKILL`,
    timeoutMs: 10_000,
  });
}

/** The end of a log, ready to stand behind a message. */
export function tail(log, lines = 20) {
  let text;
  try {
    text = readFileSync(log, "utf8").trimEnd();
  } catch {
    return "";
  }
  return text
    ? `\n--- the end of ${log}:\n${text.split("\n").slice(-lines).join("\n")}`
    : `\n(${log} is empty)`;
}

function processTable() {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => readStat(Number(entry)) ?? []);
}

/** The command's name may hold spaces and brackets: the fixed fields stand behind the last bracket. */
function readStat(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, ppid] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, state, ppid: Number(ppid), startTime: fields[19] };
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function runsInside(pid, folder, programs) {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return (
      programs.includes(readlinkSync(`/proc/${pid}/exe`)) && (cwd === folder || cwd.startsWith(folder + sep))
    );
  } catch {
    return false;
  }
}

function rotate(log) {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 16 * 2 ** 20) renameSync(log, `${log}.1`);
}
