import type { SuiteOptions, SuiteReport } from "../case/case.ts";
import type { Runner } from "../case/runner.ts";
import type { StoreDatabase, StoreHarness } from "../harness.ts";
import { registerStoreSuite } from "../store/suite.ts";
import { concurrencyCases } from "./concurrency.ts";
import { handlerCases } from "./handler.ts";
import { pruneCases } from "./prune.ts";
import { registerCases } from "./register.ts";

const groups = {
  register: registerCases,
  handler: handlerCases,
  concurrency: concurrencyCases,
  prune: pruneCases,
};

/**
 * Registers every case that an inbox must pass with a test runner.
 * Each case has an empty database of its own, is bounded in time and drops what it made. Returns the titles registered,
 * and what this harness gives nothing to prove with, each with the reason.
 *
 * @throws OptionsError (CONFIG_INVALID) listing what the runner, the harness or the options lack.
 */
export function inboxSuite<Tx, Database extends StoreDatabase<Tx>>(
  runner: Runner,
  harness: StoreHarness<Tx, Database>,
  options: SuiteOptions = {},
): SuiteReport {
  return registerStoreSuite(runner, "inbox", harness, groups, options);
}
