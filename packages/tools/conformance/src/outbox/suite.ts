import type { SuiteOptions, SuiteReport } from "../case/case.ts";
import type { Runner } from "../case/runner.ts";
import type { StoreDatabase, StoreHarness } from "../harness.ts";
import { registerStoreSuite } from "../store/suite.ts";
import { appendCases } from "./append.ts";
import { confirmCases } from "./confirm.ts";
import { dueCases } from "./due.ts";
import { lateCommitCases } from "./late-commit.ts";
import { leaseCases } from "./lease.ts";
import { parkCases } from "./park.ts";
import { parkedCases } from "./parked.ts";
import { pauseCases } from "./pause.ts";
import { readCases } from "./read.ts";
import { transactionCases } from "./transaction.ts";

const groups = {
  transaction: transactionCases,
  append: appendCases,
  read: readCases,
  "late commit": lateCommitCases,
  confirm: confirmCases,
  park: parkCases,
  due: dueCases,
  parked: parkedCases,
  pause: pauseCases,
  lease: leaseCases,
};

/**
 * Registers every case that an outbox and the relay's side of it must pass with a test runner.
 * Each case has an empty database of its own, is bounded in time and drops what it made. Returns the titles registered,
 * and what this harness gives nothing to prove with, each with the reason.
 *
 * @throws OptionsError (CONFIG_INVALID) listing what the runner, the harness or the options lack.
 */
export function outboxSuite<Tx, Database extends StoreDatabase<Tx>>(
  runner: Runner,
  harness: StoreHarness<Tx, Database>,
  options: SuiteOptions = {},
): SuiteReport {
  return registerStoreSuite(runner, "outbox", harness, groups, options);
}
