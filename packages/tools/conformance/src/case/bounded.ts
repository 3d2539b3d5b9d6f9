import { setTimeout as delay } from "node:timers/promises";
import { NotConforming } from "./not-conforming.ts";

/** What every case gets: waits that name themselves when time runs out, and a teardown that always runs. */
export interface CaseScope {
  /** Waits for `work`; a case that runs out of time says that it was waiting for `what`. */
  wait<T>(what: string, work: Promise<T>): Promise<T>;
  /** Waits until `condition` holds, looking again every few milliseconds. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Runs `cleanup` when the case has ended, however it ended; the last one registered runs first. */
  defer(what: string, cleanup: () => Promise<void>): void;
}

export interface CaseBounds {
  readonly timeoutMs: number;
  /** For all cleanups of the case together. */
  readonly cleanupMs: number;
  /** Told of cleanups that failed or did not end: these are no fault of the case that ran. */
  readonly onLeftover: (problem: Error) => void;
}

interface Cleanup {
  readonly what: string;
  readonly run: () => Promise<void>;
}

/** Runs one case inside its bounds, then its cleanups in reverse order, within theirs. */
export async function runBounded(
  bounds: CaseBounds,
  body: (scope: CaseScope) => Promise<void>,
): Promise<void> {
  const cleanups: Cleanup[] = [];
  const waits = new Set<string>();
  const end = new AbortController();
  const ended = rejectOn(end.signal);
  const timer = setTimeout(() => end.abort(timedOut(bounds.timeoutMs, waits)), bounds.timeoutMs);
  try {
    await Promise.race([body(createScope(end.signal, ended, waits, cleanups)), ended]);
  } finally {
    clearTimeout(timer);
    if (!end.signal.aborted) end.abort(new NotConforming("the case has ended"));
    await cleanUp(cleanups, bounds);
  }
}

function createScope(
  signal: AbortSignal,
  ended: Promise<never>,
  waits: Set<string>,
  cleanups: Cleanup[],
): CaseScope {
  const wait = async <T>(what: string, work: Promise<T>): Promise<T> => {
    waits.add(what);
    try {
      return await Promise.race([work, ended]);
    } finally {
      // What was waited for when time ran out must still be there to be named.
      if (!signal.aborted) waits.delete(what);
    }
  };
  const poll = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!signal.aborted && !(await condition())) await delay(2, undefined, { ref: false });
  };
  return {
    wait,
    until: (what, condition) => wait(what, poll(condition)),
    defer: (what, run) => void cleanups.push({ what, run }),
  };
}

async function cleanUp(cleanups: Cleanup[], bounds: CaseBounds): Promise<void> {
  const deadlineMs = performance.now() + bounds.cleanupMs;
  // Time that is up does not stop the rest: each cleanup is begun, only no longer waited for.
  for (const { what, run } of cleanups.toReversed()) {
    try {
      await within(Math.max(1, deadlineMs - performance.now()), what, run());
    } catch (error) {
      bounds.onLeftover(
        new NotConforming(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        }),
      );
    }
  }
}

async function within(limitMs: number, what: string, work: Promise<void>): Promise<void> {
  const limit = new AbortController();
  const expired = delay(limitMs, undefined, { signal: limit.signal }).then(() => {
    throw new NotConforming(`${what} did not end in time`);
  });
  try {
    await Promise.race([work, expired]);
  } finally {
    limit.abort();
  }
}

function rejectOn(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  rejection.catch(() => undefined);
  return rejection;
}

function timedOut(timeoutMs: number, waits: ReadonlySet<string>): NotConforming {
  const awaited = waits.size === 0 ? "something it does not name" : [...waits].join("; ");
  return new NotConforming(`not done within ${timeoutMs} ms, still waiting for: ${awaited}`);
}
