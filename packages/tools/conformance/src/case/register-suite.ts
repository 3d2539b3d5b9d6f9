import { runBounded, type CaseScope } from "./bounded.ts";
import type { Case, NotApplicable, SuiteOptions, SuiteReport } from "./case.ts";
import { createGate, type Gate } from "./gate.ts";
import { NotConforming } from "./not-conforming.ts";
import type { Runner } from "./runner.ts";

export interface SuiteParts<Subject, Scope> {
  readonly title: string;
  readonly subject: Subject;
  readonly groups: Readonly<Record<string, readonly Case<Subject, Scope>[]>>;
  /** Times all limits of the options. */
  readonly timeScale: number;
  /** Run once, before the first case and after the last. */
  readonly setup: () => Promise<void>;
  readonly teardown: () => Promise<void>;
  readonly scopeOf: (scope: CaseScope) => Scope;
}

/** What the cases of one suite share. */
interface Course {
  readonly timeoutMs: number;
  readonly cleanupMs: number;
  readonly gate: Gate;
  readonly setup: () => Promise<void>;
  readonly leftovers: Error[];
}

/** The first case also waits for the harness: containers and schemas take their time. */
const setupAllowanceMs = 60_000;

/** Registers all cases of a suite with a runner. The teardown runs once, after the last case, whatever failed. */
export function registerSuite<Subject, Scope>(
  runner: Runner,
  parts: SuiteParts<Subject, Scope>,
  options: SuiteOptions,
): SuiteReport {
  const course: Course = {
    timeoutMs: (options.timeoutMs ?? 10_000) * parts.timeScale,
    cleanupMs: (options.cleanupMs ?? 5_000) * parts.timeScale,
    gate: createGate(),
    setup: once(parts.setup),
    leftovers: [],
  };
  const { groups, notApplicable } = applicable(parts);
  runner.suite(parts.title, () => {
    for (const [group, cases] of groups) {
      runner.suite(group, () => {
        for (const one of cases) registerCase(runner, course, one, parts.scopeOf);
      });
    }
    runner.afterAll(async () => {
      await parts.teardown();
      reportLeftovers(course.leftovers);
    }, course.cleanupMs + setupAllowanceMs);
  });
  return {
    title: parts.title,
    cases: groups.flatMap(([, cases]) => cases.map((one) => one.title)),
    notApplicable,
  };
}

/** Groups without a case left are left out: runners take an empty group for a mistake. */
function applicable<Subject, Scope>({ groups, subject }: SuiteParts<Subject, Scope>) {
  const notApplicable: NotApplicable[] = [];
  const fits = (one: Case<Subject, Scope>): boolean => {
    const because = one.lacks?.(subject);
    if (because !== undefined) notApplicable.push({ title: one.title, because });
    return because === undefined;
  };
  const fitting = Object.entries(groups).map(([group, cases]) => [group, cases.filter(fits)] as const);
  return { groups: fitting.filter(([, cases]) => cases.length > 0), notApplicable };
}

function registerCase<Subject, Scope>(
  runner: Runner,
  course: Course,
  one: Case<Subject, Scope>,
  scopeOf: (scope: CaseScope) => Scope,
): void {
  const { cleanupMs, gate, setup, leftovers } = course;
  const timeoutMs = course.timeoutMs * (one.patience ?? 1);
  const bounds = { timeoutMs, cleanupMs, onLeftover: (problem: Error) => void leftovers.push(problem) };
  const run = (): Promise<void> => runBounded(bounds, (scope) => one.body(scopeOf(scope)));
  const body = async (): Promise<void> => {
    await setup();
    await (one.runs === "alone" ? gate.alone(run) : gate.shared(run));
  };
  runner.test(one.title, body, timeoutMs + cleanupMs + setupAllowanceMs);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
}

function reportLeftovers(leftovers: readonly Error[]): void {
  if (leftovers.length === 0) return;
  const reasons = new Set(leftovers.map((one) => one.message));
  throw new NotConforming(`${leftovers.length} cleanups failed: ${[...reasons].join("; ")}`, {
    cause: leftovers[0],
  });
}
