import type { CaseScope } from "../case/bounded.ts";
import { assertArguments } from "../case/assert-arguments.ts";
import type { Case, SuiteOptions, SuiteReport } from "../case/case.ts";
import { registerSuite } from "../case/register-suite.ts";
import type { SuiteParts } from "../case/register-suite.ts";
import type { Runner } from "../case/runner.ts";
import type { StoreDatabase, StoreHarness } from "../harness.ts";
import { createStoreScope } from "./scope.ts";
import type { StoreCase } from "./scope.ts";

/** Registers cases about a store; each gets a database of its own. */
export function registerStoreSuite<Tx, Database extends StoreDatabase<Tx>>(
  runner: Runner,
  subject: "outbox" | "inbox",
  harness: StoreHarness<Tx, Database>,
  groups: Readonly<Record<string, readonly StoreCase[]>>,
  options: SuiteOptions,
): SuiteReport {
  const needs = { create: "a function" } as const;
  assertArguments({ suite: `${subject}Suite`, runner, harness, options, needs });
  const load = options.load ?? 1;
  const bound = (one: StoreCase): Case<StoreHarness<Tx, Database>, CaseScope> => ({
    ...one,
    body: async (scope) => one.body(await createStoreScope(scope, harness, load)),
  });
  const parts: SuiteParts<StoreHarness<Tx, Database>, CaseScope> = {
    title: `${harness.name}: ${subject}`,
    subject: harness,
    groups: Object.fromEntries(Object.entries(groups).map(([group, cases]) => [group, cases.map(bound)])),
    timeScale: harness.limits?.timeScale ?? 1,
    setup: async () => harness.setup?.(),
    teardown: async () => harness.teardown?.(),
    scopeOf: (scope) => scope,
  };
  return registerSuite(runner, parts, options);
}
