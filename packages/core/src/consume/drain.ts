import type { Clock } from "../contracts/clock.ts";
import type { TransportSubscription } from "../contracts/subscription.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames } from "../options/names.ts";
import { within } from "../within.ts";

/** How a close treats what is still running. */
export interface CloseOptions {
  /** How long what is under way may take to end, in milliseconds: handlers, and publishes. Default 10,000. */
  readonly drainMs?: number | undefined;
}

/** How long a roll-back may take after the signal fired; a frozen database must not keep a close from ending. */
const unwindMs = 1_000;
/** How long the broker may take after that to have its messages back. */
const giveBackMs = 500;

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

/** Takes nothing new, drains, and gives back what is left; each step in what is left of the time, whatever hangs. */
export async function endIn(
  clock: Clock,
  drainMs: number,
  subscription: Pick<TransportSubscription, "stop" | "close">,
  drainFor: (leftMs: number) => Promise<void>,
): Promise<void> {
  const fromMs = clock.monotonicMs();
  const leftMs = (ofMs: number) => Math.max(0, fromMs + ofMs - clock.monotonicMs());
  try {
    await within(clock, drainMs, subscription.stop());
  } finally {
    await drainFor(leftMs(drainMs));
    await within(clock, leftMs(drainMs + unwindMs + giveBackMs), subscription.close());
  }
}
