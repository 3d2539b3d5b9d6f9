// npm run torture: is anything lost or out of order while writers write, roll back, and relays die?
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { help, readArguments, UsageError } from "./arguments.mjs";
import { check } from "./check.mjs";
import { databaseUrl, openDatabase } from "./database.mjs";
import { startRelays, startSink } from "./processes.mjs";
import { write, writers } from "./writers.mjs";

const killEveryMs = 3_000;
/** The relays may take so long to deliver what is left, and so long without delivering anything. */
const [drainMs, stallMs] = [60_000, 5_000];
const lookMs = 50;

process.exitCode = await main(process.argv.slice(2));

/** @param {string[]} words */
async function main(words) {
  try {
    const plan = readArguments(words);
    if (plan === "help") return say(help, 0);
    const { ghosts, ...counts } = await torture(plan);
    const problems = [
      counts.lost > 0 ? `${counts.lost} committed events were not delivered.` : "",
      counts.inversions > 0 ? `${counts.inversions} events came before an earlier one of their key.` : "",
      ghosts > 0 ? `${ghosts} events were delivered whose transaction did not commit.` : "",
      counts.committed === 0 ? "Nothing was committed." : "",
    ].filter((problem) => problem !== "");
    for (const problem of problems) console.error(problem);
    return say(JSON.stringify(counts), problems.length > 0 ? 1 : 0);
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** @param {import("./arguments.mjs").Plan} plan */
async function torture({ store, mode, seconds, seed, output, mark }) {
  const note = output === "json" ? () => {} : console.log;
  const url = await databaseUrl();
  const database = await openDatabase(url, writers + 2, mode);
  const folder = mkdtempSync(join(tmpdir(), "postrider-torture-"));
  const file = join(folder, "delivered");
  const sink = await startSink(file, seed);
  const relays = startRelays([url, database.schema, String(sink.port), mark, mode]);
  try {
    note(`${writers} writers for ${seconds} s, a relay killed every ${killEveryMs / 1_000} s, seed ${seed}`);
    // From the first event on: a relay that works through a backlog meets no transaction that is still open.
    await relays.leader();
    const killing = setInterval(() => void relays.kill().catch(console.error), killEveryMs);
    await write(database, seed, AbortSignal.timeout(seconds * 1_000)).finally(() => clearInterval(killing));
    note("The writers have ended; the relays deliver what is left.");
    await drained(database);
    await relays.end();
    return { store, mode, ...(await check(database, file)), kills: relays.kills(), seconds };
  } finally {
    await relays.end();
    await sink.end();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when nothing is left, or when nothing moves any more. */
async function drained({ waiting }) {
  const endMs = performance.now() + drainMs;
  let [before, movedMs] = [Infinity, performance.now()];
  while (performance.now() < endMs && performance.now() < movedMs + stallMs) {
    const left = await waiting();
    if (left === 0) return;
    if (left !== before) movedMs = performance.now();
    before = left;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** @param {string} text @param {number} code */
function say(text, code) {
  console.log(text);
  return code;
}
