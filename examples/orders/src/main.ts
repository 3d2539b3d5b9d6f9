// npm start: two services on whatever BROKER_URL and DATABASE_URL name, and by default on nothing but this process.
import { help, parseArguments, type Arguments } from "./arguments.ts";
import { problemsOf } from "./demo/figures.ts";
import { createLog } from "./demo/log.ts";
import { progressOn } from "./demo/progress.ts";
import { reportLines } from "./demo/report.ts";
import { run, type Outcome } from "./demo/run.ts";
import { paintFor } from "./demo/terminal.ts";
import { chooseExporters } from "./telemetry/exporters.ts";
import { choose, type Choice } from "./wiring/choose.ts";
import { UsageError } from "./wiring/usage-error.ts";

for (const stream of [process.stdout, process.stderr]) stream.on("error", endQuietly);
process.exitCode = await main(process.argv.slice(2));

/** Resolves with the exit code. Nothing is left running then: the process ends by itself. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const given = parseArguments(args);
    if (given.help) return say(help, 0);
    chooseExporters(process.env); // what is wrong with them is told before anything starts
    return await runOnce(given, choose(process.env));
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function runOnce(
  { orders, killRelay, output, log: shown }: Arguments,
  choice: Choice,
): Promise<number> {
  if (killRelay) refuseEmbedded(choice);
  const progress = progressOn(process.stderr);
  const log = createLog((line) => {
    if (shown === "shown") complain(line);
  });
  const stop = onStopSignals();
  try {
    const outcome = await run({
      choice,
      orders,
      killRelay,
      signal: stop.signal,
      log,
      onProgress: progress.show,
    });
    progress.clear();
    const problems = problemsOf(outcome.figures, outcome.unfinished);
    if (problems.length > 0 && shown === "kept") log.lines().forEach((line) => complain(line));
    if (output === "json") problems.forEach((problem) => complain(problem));
    const report = output === "json" ? JSON.stringify(outcome.figures) : textOf(outcome, choice);
    return say(report, problems.length === 0 ? 0 : 1);
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted)
      return complain("Stopped. What was under way is done, and everything is closed.", 130);
    throw error;
  } finally {
    stop.forget();
  }
}

/** What is embedded in this process has no relay that could be killed alone. */
function refuseEmbedded({ broker, database }: Choice): void {
  const missing = [
    ...(broker.kind === "memory" ? ["BROKER_URL"] : []),
    ...(database.kind === "pglite" ? ["DATABASE_URL"] : []),
  ];
  if (missing.length === 0) return;
  throw new UsageError(
    `--kill-relay kills the relays' own process, which needs a real broker and a real database: set ${missing.join(" and ")}`,
  );
}

function textOf(outcome: Outcome, choice: Choice): string {
  return reportLines(outcome, choice, paintFor(process.stdout, process.env)).join("\n");
}

/** Ctrl-C drains; a second one ends the process as it does anywhere. */
function onStopSignals() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  return {
    signal: controller.signal,
    forget: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** A reader that has seen enough, such as `head`, closes the pipe; the run goes on to its end. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function say(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}

function complain(text: string, code = 1): number {
  process.stderr.write(`${text}\n`);
  return code;
}
