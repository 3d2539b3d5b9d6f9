// The servers of a test run: those that its files need come up, and those that it started go down at the end.
import { allNames } from "../services/catalogue.mjs";
import { down, status, up } from "../services/index.mjs";
import { serversOf } from "./test-files.mjs";

/** @typedef {import("./test-files.mjs").TestFile} TestFile */

/** @type {string[]} */
export const serverNames = allNames;

/**
 * Starts what the files need. A server that cannot be had is a failure, and the files that need it are not run;
 * one that was left out with --without is no failure, and its files are named as not run.
 * @param {string} root
 * @param {TestFile[]} files
 * @param {{ without: string[], startedByUs: Set<string>, log: (line: string) => void }} run
 * @returns {Promise<{ files: TestFile[], result: import("./result.mjs").StepResult }>}
 */
export async function withServers(root, files, { without, startedByUs, log }) {
  const since = performance.now();
  const needs = files.map((file) => ({ file, servers: serversOf(root, file.path) }));
  const wanted = [...new Set(needs.flatMap(({ servers }) => servers))].filter(
    (name) => !without.includes(name),
  );
  const missing = await bringUp(wanted, startedByUs, log);
  const seconds = (performance.now() - since) / 1000;
  const notRun = needs.flatMap(({ file, servers }) => {
    const reason = reasonNotToRun(servers, without, missing);
    return reason === undefined ? [] : [{ suite: `${file.suite}: ${file.path}`, reason }];
  });
  const suites =
    wanted.length === 0
      ? []
      : [
          {
            suite: "servers",
            passed: wanted.length - missing.size,
            failed: missing.size,
            skipped: 0,
            seconds,
          },
        ];
  return {
    files: needs.filter(({ servers }) => !reasonNotToRun(servers, without, missing)).map(({ file }) => file),
    result: {
      suites,
      notRun,
      report: [...missing].map(([name, why]) => `${name} is not up: ${why}`).join("\n"),
    },
  };
}

/**
 * Takes down what this run started; the data stay for the next one.
 * @param {Set<string>} startedByUs
 */
export async function takeDown(startedByUs) {
  const names = [...startedByUs];
  startedByUs.clear();
  return names.length === 0 ? [] : down(names);
}

/**
 * @param {string[]} names
 * @param {Set<string>} startedByUs
 * @param {(line: string) => void} log
 * @returns {Promise<Map<string, string>>} the servers that did not come up, with the reason
 */
async function bringUp(names, startedByUs, log) {
  if (names.length === 0) return new Map();
  const before = new Map((await status(names)).map((each) => [each.name, each]));
  for (const name of names) if (!isOurs(before.get(name))) startedByUs.add(name);
  const outcomes = await up(names, { log, given: "ignore" });
  return new Map(outcomes.flatMap((each) => (each.ok ? [] : [[each.name, each.error.message]])));
}

/** A server that scripts/services had up before this run. @param {any} server */
function isOurs(server) {
  return server?.state === "up" && ["native", "compose"].includes(server.origin);
}

/**
 * @param {string[]} servers
 * @param {string[]} without
 * @param {Map<string, string>} missing
 */
function reasonNotToRun(servers, without, missing) {
  const left = servers.filter((name) => without.includes(name));
  if (left.length > 0) return `left out by --without ${left.join(",")}`;
  const absent = servers.filter((name) => missing.has(name));
  return absent.length > 0 ? `${absent.join(", ")} could not be started` : undefined;
}
