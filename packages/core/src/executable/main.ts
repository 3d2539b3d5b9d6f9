#!/usr/bin/env node
// postrider-relay: a relay in a process of its own.
import { help, readArguments, UsageError } from "./arguments.ts";
import { loadConfig } from "./load-config.ts";
import { runRelay } from "./run-relay.ts";
import { complain, say } from "./say.ts";

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    complain(error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);

/** Resolves with the exit code, when nothing is left to do. */
async function main(words: readonly string[]): Promise<number> {
  const given = readArguments(words);
  if (given === "help") {
    say(help);
    return 0;
  }
  return runRelay(await loadConfig(given.config), given);
}
