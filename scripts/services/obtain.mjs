// Deciding how a server can be had here: its programs, installed now if need be, else Docker Compose, else why not.
import { join } from "node:path";
import { installPackages, whyNotApt } from "./apt.mjs";
import * as compose from "./compose.mjs";
import { variableOf } from "./given.mjs";
import { withLock } from "./lock.mjs";
import { layoutOf } from "./native.mjs";
import { folderOf } from "./place.mjs";

/**
 * For each server the programs to start, `compose.way`, or the error to report.
 * @returns {Promise<Map<string, object>>} by name
 */
export async function obtain(servers, { log, by }) {
  const missing = servers.filter((server) => by === "compose" || !locate(server));
  const native = by === "compose" ? new Map() : await installAll(missing, log);
  return new Map(
    servers.map((server) => {
      if (!missing.includes(server)) return [server.name, locate(server)];
      const found = native.get(server) ?? new Error("Docker Compose was asked for");
      return [server.name, found instanceof Error && by !== "native" ? composeInstead(server, found) : found];
    }),
  );
}

/** The programs of a server that are installed, or undefined. */
export function locate(server) {
  return process.platform === "linux" ? server.locate(layoutOf(server.name)) : undefined;
}

function composeInstead(server, problem) {
  const obstacle = compose.whyNot();
  if (!obstacle) return compose.way;
  return new Error(
    `${server.title} cannot be had here. Natively: ${problem.message}. By Docker Compose: ${obstacle}. ` +
      `Do one of these: run this as root on Debian or Ubuntu; install ${server.needs ?? server.packages.join(" ")} yourself; ` +
      `start Docker; or set ${variableOf(server.name)} for npm start.`,
  );
}

/** All packages in one run; if that fails, one run each, so that a bad package spoils only its own server. */
async function installAll(servers, log) {
  if (servers.length > 1 && !obstacleFor(servers[0])) await installPackagesOf(servers, log).catch(() => {});
  const outcomes = new Map();
  for (const server of servers)
    outcomes.set(server, (await packageProblem(server, log)) ?? finish(server, log));
  for (const [server, outcome] of outcomes) outcomes.set(server, await outcome);
  return outcomes;
}

async function packageProblem(server, log) {
  if (process.platform !== "linux") return new Error("native servers run on Linux only");
  if (server.packages.length === 0 || server.hasPackages?.()) return undefined;
  const obstacle = whyNotApt();
  if (obstacle) return new Error(`${server.packages.join(" ")} not found, and ${obstacle}`);
  return installPackagesOf([server], log).then(
    () => undefined,
    (error) => error,
  );
}

function obstacleFor() {
  return process.platform === "linux" ? whyNotApt() : "not Linux";
}

function installPackagesOf(servers, log) {
  const lacking = servers.filter((server) => !server.hasPackages?.());
  return installPackages([...new Set(lacking.flatMap(({ packages }) => packages))], {
    bootUnits: Object.assign({}, ...lacking.map(({ bootUnits }) => bootUnits)),
    log,
  });
}

/** What is not a system package: Kafka's jars, the embedded PostgreSQL. One process at a time fills the folder. */
async function finish(server, log) {
  try {
    if (server.install)
      await withLock(join(folderOf(server.name), "install.lock"), { timeoutMs: 600_000 }, () =>
        server.install({ log: (text) => log(`${server.name}: ${text}`) }),
      );
  } catch (error) {
    return error;
  }
  return (
    locate(server) ?? new Error(`${server.packages.join(" ")} installed, but its programs were not found`)
  );
}
