import type { Clock } from "../contracts/clock.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames } from "../options/names.ts";

/** How a close treats what is still running. */
export interface CloseOptions {
  /** How long running handlers may take to end, in milliseconds. Default 10,000. */
  readonly drainMs?: number | undefined;
}

/** How long a roll-back may take after the signal fired; a frozen database must not keep a close from ending. */
const unwindMs = 5_000;

/** @throws OptionsError (CONFIG_INVALID) before anything is closed. */
export function drainMsOf(options: CloseOptions = {}): number {
  const problems = problemsOfClose(options, { drainMs: true });
  if (problems.length > 0) throw new OptionsError("close", problems);
  return options.drainMs ?? defaultDrainMs;
}

/** What is wrong with the options of something that closes; `names` are those that it has. */
export function problemsOfClose(options: CloseOptions, names: Readonly<Record<string, true>>): string[] {
  if (!isOptions(options)) return [noObject];
  const { drainMs = defaultDrainMs } = options;
  const isDrain = typeof drainMs === "number" && drainMs >= 0;
  return [
    ...problemsOfNames(options, names),
    ...(isDrain ? [] : ["drainMs: must be 0 or more milliseconds"]),
  ];
}

const defaultDrainMs = 10_000;

/** Waits until nothing runs any more; aborts what still does after `drainMs`, and waits a little for its roll-back. */
export async function drain(
  clock: Clock,
  drainMs: number,
  running: { idle(): Promise<void> },
  abort: AbortController,
): Promise<void> {
  const cancelAbort = clock.schedule(drainMs, () => abort.abort(new Error("The consumer closes")));
  await within(clock, drainMs + unwindMs, running.idle());
  cancelAbort();
}

/** Resolves with the task, or when the time is over. */
async function within(clock: Clock, limitMs: number, task: Promise<void>): Promise<void> {
  let cancel = () => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.schedule(limitMs, resolve);
  });
  await Promise.race([task, over]);
  cancel();
}
