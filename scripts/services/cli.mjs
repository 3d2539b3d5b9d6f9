#!/usr/bin/env node
// npm run services -- <command> [names…]
import { parseArgs } from "node:util";
import { allNames, serverNamed, usualNames, UnknownServerError } from "./catalogue.mjs";
import * as services from "./index.mjs";

const help = `npm run services -- <command> [names…]

  up [names…]        start servers (without names: ${usualNames.join(" ")})
                     --native or --compose: only that way
  down [names…]      end what was started here; --purge also removes the data
  status [names…]    what runs where; --json for programs
  url NAME           print the URL alone; --found also takes a server on its usual port
  kill NAME          SIGKILL, as a crash
  start NAME         start again: same ports, same data
  freeze NAME        SIGSTOP; thaw NAME lets it run on
  prove [names…]     drive each server with a raw client

Names: ${allNames.join(" ")}, or all. Given by the environment: POSTRIDER_<NAME>_URL.
`;

const commands = {
  up,
  down,
  status,
  url,
  kill: one("kill"),
  start: one("start"),
  freeze: one("freeze"),
  thaw: one("thaw"),
  prove,
};

/** The caller used the command wrongly: one line, exit code 2. */
class UsageError extends Error {}

async function up(names, { native, compose }) {
  const by = native ? "native" : compose ? "compose" : "any";
  const results = await services.up(names, { log, by });
  for (const { name, ok, origin, version, url: address, error } of results) {
    if (ok) console.log(`${name.padEnd(11)}${origin.padEnd(9)}${(version ?? "").padEnd(9)}${address}`);
    else console.error(`${name}: ${error.message}`);
  }
  return results.every(({ ok }) => ok) ? 0 : 1;
}

async function down(names, { purge }) {
  const results = await services.down(names, { log, data: purge ? "purge" : "keep" });
  for (const { name, ok, error } of results) if (!ok) console.error(`${name}: ${error.message}`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

async function status(names, { json }) {
  const rows = await services.status(names);
  console.log(json ? JSON.stringify(rows, null, 2) : table(rows));
  return 0;
}

async function url(names, { found }) {
  console.log(await services.url(only("url", names), { found: found ? "use" : "ignore" }));
  return 0;
}

function one(command) {
  return async (names) => {
    const name = only(command, names);
    const result = await services[command](name);
    log(`${name}: ${command}${result ? ` ${result}` : ""}`);
    return 0;
  };
}

/** The raw clients come from the packages, so this one command does the set-up first. */
async function prove(names) {
  const { ensureInstalled } = await import("../toolchain.mjs");
  ensureInstalled();
  const { prove: run } = await import("./prove.mjs");
  return run(names);
}

function only(command, names) {
  if (names.length !== 1) throw new UsageError(`${command} takes one name: ${allNames.join(" ")}`);
  return serverNamed(names[0]).name;
}

function table(rows) {
  const head = { name: "NAME", origin: "ORIGIN", state: "STATE", version: "VERSION", pid: "PID", url: "URL" };
  const keys = Object.keys(head);
  const cells = [head, ...rows].map((row) => keys.map((key) => String(row[key] ?? "-")));
  const widths = keys.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function log(text) {
  console.error(`> ${text}`);
}

function parse() {
  const flag = { type: "boolean" };
  const options = {
    help: { ...flag, short: "h" },
    json: flag,
    purge: flag,
    found: flag,
    native: flag,
    compose: flag,
  };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message.split("\n")[0]);
  }
}

async function main() {
  const { values, positionals } = parse();
  const [command, ...names] = positionals;
  if (values.help || command === "help") {
    console.log(help);
    return 0;
  }
  if (!command || !Object.hasOwn(commands, command))
    throw new UsageError(
      `${command ? `there is no command "${command}"` : "no command"}; there are: ${Object.keys(commands).join(" ")}`,
    );
  for (const name of names) if (name !== "all") serverNamed(name);
  return commands[command](names, values);
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return error instanceof UsageError || error instanceof UnknownServerError ? 2 : 1;
});
