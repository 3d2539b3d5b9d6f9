import type { Runner } from "./runner.ts";

/** A case as it was registered. */
export interface CollectedCase {
  readonly title: string;
  /** Runs it, and rejects with the reason where it fails. */
  readonly body: () => Promise<void>;
}

/** Cases and teardowns of suites, collected without running anything. */
export interface Collected {
  /** In the order they were registered. */
  readonly cases: readonly CollectedCase[];
  /** What the suites run after their last case. */
  readonly teardowns: readonly (() => Promise<void>)[];
}

/** What became of one case; `error` is there when it is red. */
export interface CaseResult {
  readonly title: string;
  readonly passed: boolean;
  /** Why it failed; undefined where it passed. */
  readonly error: unknown;
  /** How long it ran, in milliseconds. */
  readonly elapsedMs: number;
}

/** How collected cases are run. */
export interface RunOptions {
  /** Cases under way at once. Default 1. Cases that must be alone wait for the others by themselves. */
  readonly concurrency?: number | undefined;
}

/** The title under which `runCases` reports the teardown of the suites. */
export const teardownTitle = "teardown";

/** Registers suites with a runner that only takes down what it is given: the smallest test runner there is. */
export function collectCases(register: (runner: Runner) => void): Collected {
  const cases: CollectedCase[] = [];
  const teardowns: (() => Promise<void>)[] = [];
  register({
    suite: (_title, body) => body(),
    test: (title, body) => void cases.push({ title, body }),
    afterAll: (body) => void teardowns.push(body),
  });
  return { cases, teardowns };
}

/**
 * Runs collected cases, then their teardowns, and tells what became of each. Never rejects: a red case is a result.
 * The last result, titled `teardown`, is that of all teardowns together.
 */
export async function runCases(
  collected: Collected,
  options: RunOptions = {},
): Promise<readonly CaseResult[]> {
  const results = new Map<CollectedCase, CaseResult>();
  const waiting = collected.cases.values();
  const lane = async (): Promise<void> => {
    for (const next of waiting) results.set(next, await runOne(next.title, next.body));
  };
  await Promise.all(Array.from({ length: Math.max(1, options.concurrency ?? 1) }, lane));
  const teardown = await runOne(teardownTitle, async () => {
    for (const body of collected.teardowns) await body();
  });
  return [...collected.cases.flatMap((one) => results.get(one) ?? []), teardown];
}

async function runOne(title: string, body: () => Promise<void>): Promise<CaseResult> {
  const startedMs = performance.now();
  try {
    await body();
    return { title, passed: true, error: undefined, elapsedMs: performance.now() - startedMs };
  } catch (error) {
    return { title, passed: false, error, elapsedMs: performance.now() - startedMs };
  }
}
