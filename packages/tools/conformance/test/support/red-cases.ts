import { collectCases, runCases, teardownTitle } from "../../src/index.ts";
import type { CaseResult, Collected, Runner, SuiteOptions } from "../../src/index.ts";

/** Registers the suites of one subject, each time on a broker or database of its own. */
export type Register = (runner: Runner, options: SuiteOptions) => void;

/** Enough for any healthy case on a machine that is busy with other things. */
const patient: SuiteOptions = { timeoutMs: 20_000, cleanupMs: 1_500, load: 0.02 };
/** A case that is to be red need not be waited for. */
const hasty: SuiteOptions = { timeoutMs: 400, cleanupMs: 300, load: 0.02 };

/** It counts timers of the whole process: it runs when no other subject does. */
const countsTimers = "56. close leaves no timer, socket or listener behind";

export interface Finding {
  readonly titles: readonly string[];
  readonly red: readonly string[];
}

/**
 * The titles of all cases of several subjects, and of those that are red, sorted.
 * What is expected red gets little time: it must fail, whyever. What is expected green gets plenty: it must not.
 */
export async function findRed(
  subjects: Readonly<Record<string, Register>>,
  expected: Readonly<Record<string, readonly string[]>>,
): Promise<Readonly<Record<string, Finding>>> {
  const found: Record<string, Finding> = {};
  const results = new Map<string, CaseResult[]>();
  const waiting = Object.entries(subjects).values();
  const lane = async (): Promise<void> => {
    for (const [name, register] of waiting) {
      const [slow, quick] = split(register, new Set(expected[name]));
      const without = (cases: Collected): Collected => keep(cases, (title) => title !== countsTimers);
      const run = (cases: Collected): Promise<readonly CaseResult[]> =>
        runCases(without(cases), { concurrency: 24 });
      const [patiently, hastily] = await Promise.all([run(slow), run(quick)]);
      // In haste a healthy teardown may not end in time either: the other one tells.
      results.set(name, [...patiently, ...hastily.filter((one) => one.title !== teardownTitle)]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  for (const [name, register] of Object.entries(subjects)) {
    for (const cases of split(register, new Set(expected[name]))) {
      const alone = await runCases(keep(cases, (title) => title === countsTimers));
      results.get(name)?.push(...alone.filter((one) => one.title !== teardownTitle));
    }
    const all = results.get(name) ?? [];
    const titlesOf = (some: readonly CaseResult[]): string[] =>
      [...new Set(some.map((one) => one.title))].sort();
    found[name] = { titles: titlesOf(all), red: titlesOf(all.filter((one) => !one.passed)) };
  }
  return found;
}

function split(register: Register, red: ReadonlySet<string>): readonly [slow: Collected, quick: Collected] {
  const slow = collectCases((runner) => register(runner, patient));
  const quick = collectCases((runner) => register(runner, hasty));
  return [keep(slow, (title) => !red.has(title)), keep(quick, (title) => red.has(title))];
}

function keep({ cases, teardowns }: Collected, wanted: (title: string) => boolean): Collected {
  return { cases: cases.filter((one) => wanted(one.title)), teardowns };
}
