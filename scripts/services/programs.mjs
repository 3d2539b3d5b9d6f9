// Finding installed programs, and running one to its end.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, appendFileSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian keeps servers in sbin, which is not on every user's PATH. */
const path = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(
  Boolean,
);

/** What a server gets from the caller's environment: nothing that could change how it runs. */
export const plainEnv = { PATH: path.join(delimiter), LANG: "C.UTF-8", LC_ALL: "C.UTF-8", TZ: "UTC" };

/** The absolute path of an executable, looked for in PATH and the sbin folders. */
export function findProgram(name) {
  return path.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The file behind links, as /proc/PID/exe names it. */
export function realProgram(file) {
  return realpathSync(file);
}

/** First match of `pattern` in what `program ...args` prints; undefined if there is none. */
export function askVersion(program, args, pattern) {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env: plainEnv, timeout: 20_000 });
  return `${stdout ?? ""}${stderr ?? ""}`.match(pattern)?.[1];
}

/** Runs a program to its end, output appended to `log` and quoted when it fails. Resolves with its standard output. */
export async function runToEnd(argv, { env = plainEnv, cwd, input, log, timeoutMs = 120_000 } = {}) {
  const [command, ...args] = argv;
  const child = spawn(command, args, { cwd, env, timeout: timeoutMs, killSignal: "SIGKILL", stdio: "pipe" });
  let output = "";
  let all = "";
  child.stdout.setEncoding("utf8").on("data", (text) => ((output += text), (all += text)));
  child.stderr.setEncoding("utf8").on("data", (text) => (all += text));
  child.stdin.on("error", () => {}).end(input ?? "");
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (...ending) => resolve(ending));
  });
  if (log) appendFileSync(log, `> ${command} ${args.join(" ")}\n${all}`);
  if (code === 0) return output;
  const ending = signal ? `ended by ${signal} (limit ${timeoutMs / 1000} s)` : `exit code ${code}`;
  throw new Error(`${command}: ${ending}\n${all.trimEnd().split("\n").slice(-20).join("\n")}`);
}
