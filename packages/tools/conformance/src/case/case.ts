import { runBounded } from "./bounded.ts";
import type { CaseScope } from "./bounded.ts";
import { createGate } from "./gate.ts";
import { NotConforming } from "./not-conforming.ts";
import type { Runner } from "./runner.ts";

/** One sentence of the contract and the code that proves it. */
export interface Case<Subject, Scope> {
  /** The sentence; the number in front, where there is one, is that of the catalogue of behaviours. */
  readonly title: string;
  /** Why it cannot be run on this subject; undefined when it can. */
  readonly lacks?: ((subject: Subject) => string | undefined) | undefined;
  /** `alone`: it counts what the whole process holds, or may disturb the broker; nothing else runs beside it. */
  readonly runs?: "alone" | undefined;
  /** Times the suite's time limit, for a case that moves much. Default 1. */
  readonly patience?: number | undefined;
  readonly body: (scope: Scope) => Promise<void>;
}

/** What one call of a suite registered, and what it could not. */
export interface SuiteReport {
  readonly title: string;
  /** Titles of the cases registered, in order. */
  readonly cases: readonly string[];
  /** Cases that this harness or these capabilities give nothing to prove with. */
  readonly notApplicable: readonly NotApplicable[];
}

export interface NotApplicable {
  readonly title: string;
  /** A sentence: what is missing, and what would make the case run. */
  readonly because: string;
}

/** Limits of the cases of a suite; all of them have defaults. */
export interface SuiteOptions {
  /** Time limit of one case, in milliseconds. Default 10,000. A case that ends at it says what it waited for. */
  readonly timeoutMs?: number | undefined;
  /** Limit for what one case opened to close again, in milliseconds. Default 5,000. */
  readonly cleanupMs?: number | undefined;
  /** Size of the cases that move much: 1 is 5,000 messages. Default 1. */
  readonly load?: number | undefined;
}

export interface SuiteParts<Subject, Scope> {
  readonly title: string;
  readonly subject: Subject;
  readonly groups: Readonly<Record<string, readonly Case<Subject, Scope>[]>>;
  /** Told once, before the first case, and once after the last. */
  readonly setup: () => Promise<void>;
  readonly teardown: () => Promise<void>;
  readonly scopeOf: (scope: CaseScope) => Scope;
}

/** Registers all cases of a suite with a runner. The teardown runs once, after the last case, whatever failed. */
export function registerSuite<Subject, Scope>(
  runner: Runner,
  parts: SuiteParts<Subject, Scope>,
  options: SuiteOptions,
): SuiteReport {
  const [timeoutMs, cleanupMs] = [options.timeoutMs ?? 10_000, options.cleanupMs ?? 5_000];
  const cases: string[] = [];
  const notApplicable: NotApplicable[] = [];
  const leftovers: Error[] = [];
  const gate = createGate();
  const setup = once(parts.setup);

  const register = (one: Case<Subject, Scope>): void => {
    const because = one.lacks?.(parts.subject);
    if (because !== undefined) {
      notApplicable.push({ title: one.title, because });
      return;
    }
    const limitMs = timeoutMs * (one.patience ?? 1);
    const bounds = {
      timeoutMs: limitMs,
      cleanupMs,
      onLeftover: (problem: Error) => void leftovers.push(problem),
    };
    const run = (): Promise<void> => runBounded(bounds, (scope) => one.body(parts.scopeOf(scope)));
    cases.push(one.title);
    runner.test(
      one.title,
      async () => {
        await setup();
        await (one.runs === "alone" ? gate.alone(run) : gate.shared(run));
      },
      limitMs + cleanupMs + setupAllowanceMs,
    );
  };

  runner.suite(parts.title, () => {
    for (const [group, members] of Object.entries(parts.groups))
      runner.suite(group, () => members.forEach(register));
    runner.afterAll(async () => {
      await parts.teardown();
      reportLeftovers(leftovers);
    }, cleanupMs + setupAllowanceMs);
  });
  return { title: parts.title, cases, notApplicable };
}

/** The first case also waits for the harness: containers and schemas take their time. */
const setupAllowanceMs = 60_000;

function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
}

function reportLeftovers(leftovers: readonly Error[]): void {
  if (leftovers.length === 0) return;
  const reasons = leftovers.map((one) => one.message);
  throw new NotConforming(`${leftovers.length} cleanups failed: ${[...new Set(reasons)].join("; ")}`, {
    cause: leftovers[0],
  });
}
