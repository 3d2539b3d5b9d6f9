import type { Clock } from "../contracts/clock.ts";
import { OptionsError } from "../errors.ts";

/** How a close treats what is still running. */
export interface CloseOptions {
  /** How long running handlers may take to end, in milliseconds. Default 10,000. */
  readonly drainMs?: number | undefined;
}

/** How long a roll-back may take after the signal fired; a frozen database must not keep a close from ending. */
const unwindMs = 5_000;

/** @throws OptionsError (CONFIG_INVALID) before anything is closed. */
export function drainMsOf(options: CloseOptions | undefined): number {
  const { drainMs = 10_000 } = options ?? {};
  if (typeof drainMs === "number" && drainMs >= 0) return drainMs;
  throw new OptionsError("close", ["drainMs: must be 0 or more milliseconds"]);
}

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
