import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** What `npm start` runs, from its sources. Resolves when the process has ended by itself. */
export function runMain(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return startMain(args, env).ended;
}

/** The same, with ways to stop it as Ctrl-C does, and to leave as a reader does that has seen enough. */
export function startMain(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["--conditions=@postrider/source", main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { ended, interrupt: () => child.kill("SIGINT"), hangUp: () => child.stdout.destroy() };
}

/** The last line of stdout as JSON. */
export function lastLine({ stdout }: Ended): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}
