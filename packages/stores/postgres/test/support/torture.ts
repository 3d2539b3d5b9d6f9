import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { url } from "./databases.ts";

/** The last line of `npm run torture -- --json`, and its exit code. */
export interface Tortured {
  readonly code: number;
  readonly counts: {
    readonly committed: number;
    readonly rolledBack: number;
    readonly delivered: number;
    readonly duplicates: number;
    readonly lost: number;
    readonly inversions: number;
    readonly kills: number;
  };
  readonly complaints: string;
}

const script = fileURLToPath(new URL("../../../../../scripts/torture/run.mjs", import.meta.url));

/** Ends by itself some seconds after the writers; killed when it does not. */
export async function torture(seconds: number, ...more: readonly string[]): Promise<Tortured> {
  const args = ["--conditions=@postrider/source", script, "--json", "--seconds", String(seconds), ...more];
  return new Promise((resolve, reject) => {
    const settings = { env: { ...process.env, DATABASE_URL: url() }, timeout: (seconds + 90) * 1_000 };
    const child = execFile(process.execPath, args, settings, (error, stdout, complaints) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (!line.startsWith("{")) {
        reject(new Error(`No figures, but: ${stdout}${complaints}`, { cause: error }));
        return;
      }
      resolve({ code: child.exitCode ?? -1, counts: JSON.parse(line) as Tortured["counts"], complaints });
    });
  });
}
