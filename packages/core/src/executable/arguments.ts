import { parseArgs } from "node:util";

export interface Arguments {
  /** A path from the working directory. */
  readonly config: string;
  /** Undefined for no health over HTTP; 0 for any free port. */
  readonly healthPort: number | undefined;
  readonly healthHost: string;
  readonly drainMs: number;
}

/** The caller used the command wrongly: said in one line, exit code 2. */
export class UsageError extends Error {}

export const help = `postrider-relay <config> [options]

  <config>            a module that exports 'config': { broker, store, relay?, startRetryMs?, logger?, close? }
  --health-port <n>   GET /health there: 200 while the relay leads, stands by or is paused, 503 otherwise. 0: any port
  --health-host <h>   default 127.0.0.1
  --drain-ms <n>      how long a page that is on its way may take to arrive after SIGTERM. Default 10000

Exit code: 0 after SIGTERM or SIGINT, 1 when it could not start or end well, 2 for a wrong command or config.`;

/** @throws UsageError */
export function readArguments(words: readonly string[]): Arguments | "help" {
  const { values, positionals } = parsed(words);
  if (values.help === true) return "help";
  const [config, ...more] = positionals;
  if (config === undefined || more.length > 0) throw new UsageError(`Give one config module.\n\n${help}`);
  const healthPort = values["health-port"];
  return {
    config,
    healthPort: healthPort === undefined ? undefined : number("--health-port", healthPort, 65_535),
    healthHost: values["health-host"],
    drainMs: number("--drain-ms", values["drain-ms"], 3_600_000),
  };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        "health-port": { type: "string" },
        "health-host": { type: "string", default: "127.0.0.1" },
        "drain-ms": { type: "string", default: "10000" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function number(option: string, value: string, most: number): number {
  if (/^\d{1,9}$/.test(value) && Number(value) <= most) return Number(value);
  throw new UsageError(`${option} ${value}: must be a whole number from 0 to ${most}.`);
}
