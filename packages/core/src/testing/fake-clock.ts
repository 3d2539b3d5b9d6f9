// Imported, not global: a test that replaces the global timers does not stop this clock.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../contracts/clock.ts";

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` milliseconds pass: runs the tasks that become due, in the order of their times, and lets promises settle
   * before each, so that what a task starts and schedules counts too. Calls run one after the other.
   * Rejects with the error of a task that threw, after all others have run.
   */
  advance(ms: number): Promise<void>;
  /**
   * Goes from one timer to the next until `condition` is true.
   * Rejects when it stays false for `withinMs` of this clock, or when no timer is left that could change it.
   */
  runUntil(condition: () => boolean | Promise<boolean>, options?: RunUntilOptions): Promise<void>;
  /** Timers that are scheduled and neither ran nor were taken back. */
  pendingTimers(): number;
  /** Sets the time of day, as an administrator does; durations and timers do not notice. */
  setNow(epochMs: number): void;
}

/** How far the fake clock may go in search of a condition. */
export interface RunUntilOptions {
  /** How far this clock may go. Default one hour. */
  readonly withinMs?: number | undefined;
}

interface Timer {
  readonly dueMs: number;
  readonly task: () => void;
}

/** So many turns of the event loop end every chain of promises and calls to things in memory that is worth a test. */
const turnsToSettle = 20;
const hourMs = 3_600_000;

/**
 * A clock that stands still until it is advanced, for tests of whatever takes a `clock`.
 *
 * @param startMs - milliseconds since the epoch. Default 2026-01-01T00:00:00Z.
 */
export function fakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let epochMs = startMs;
  let last: Promise<unknown> = Promise.resolve();

  const moveTo = (ms: number): void => {
    epochMs += ms - elapsedMs;
    elapsedMs = ms;
  };

  /** Of equal times the one that was scheduled first. */
  const nextTimer = (): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    return next;
  };

  const runNext = (timer: Timer): void => {
    timers.delete(timer);
    moveTo(Math.max(elapsedMs, timer.dueMs));
    timer.task();
  };

  const advance = async (ms: number): Promise<void> => {
    const untilMs = elapsedMs + ms;
    const errors: unknown[] = [];
    await settle();
    for (let next = nextTimer(); next !== undefined && next.dueMs <= untilMs; next = nextTimer()) {
      try {
        runNext(next);
      } catch (error) {
        errors.push(error);
      }
      await settle();
    }
    moveTo(untilMs);
    if (errors.length > 0) throw errors[0];
  };

  const runUntil = async (
    condition: () => boolean | Promise<boolean>,
    { withinMs = hourMs }: RunUntilOptions = {},
  ): Promise<void> => {
    const untilMs = elapsedMs + withinMs;
    await settle();
    while (!(await condition())) {
      const next = nextTimer();
      if (next === undefined) throw neverTrue("no timer is left that could change it");
      if (next.dueMs > untilMs) throw neverTrue(`it stayed false for ${withinMs} ms of the fake clock`);
      runNext(next);
      await settle();
    }
  };

  /** One after the other: two that move the clock at once would tear each other's time. */
  const inTurn = <R>(step: () => Promise<R>): Promise<R> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };

  return {
    now: () => epochMs,
    monotonicMs: () => elapsedMs,
    schedule: (delayMs, task) => {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), task };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance: (ms) => {
      if (!Number.isFinite(ms) || ms < 0)
        throw new RangeError(`advance: ${ms} is no number of milliseconds from 0`);
      return inTurn(() => advance(ms));
    },
    runUntil: (condition, options) => inTurn(() => runUntil(condition, options)),
    pendingTimers: () => timers.size,
    setNow: (ms) => {
      epochMs = ms;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < turnsToSettle; turn += 1) await setImmediate();
}

function neverTrue(why: string): Error {
  return new Error(`runUntil: the condition is not true, and ${why}`);
}
