import type { Transport } from "@postrider/core";
import { assertArguments } from "../case/assert-arguments.ts";
import type { SuiteOptions, SuiteReport } from "../case/case.ts";
import { registerSuite } from "../case/register-suite.ts";
import type { SuiteParts } from "../case/register-suite.ts";
import type { Runner } from "../case/runner.ts";
import type { TransportHarness } from "../harness.ts";
import { capabilityCases, notProvable } from "./capabilities.ts";
import { closeCases } from "./close.ts";
import { connectionCases } from "./connection.ts";
import { consumerGoneCases } from "./consumer-gone.ts";
import { deadLetterCases } from "./dead-letter.ts";
import { deliverCases } from "./deliver.ts";
import { dedupeCases } from "./dedupe.ts";
import { flowCases } from "./flow.ts";
import { foreignCases } from "./foreign.ts";
import { groupCases } from "./groups.ts";
import { headerCases } from "./headers.ts";
import { orderCases } from "./order.ts";
import { outageCases } from "./outage.ts";
import { parallelCases } from "./parallel.ts";
import { publishAtCloseCases } from "./publish-at-close.ts";
import { publishRunCases } from "./publish-run.ts";
import { publishCases } from "./publish.ts";
import { redeliverCases } from "./redeliver.ts";
import { createTransportScope } from "./scope.ts";
import type { TransportScope } from "./scope.ts";
import { settleCases } from "./settle.ts";
import { startCases } from "./start.ts";

const groups = {
  connection: connectionCases,
  outage: outageCases,
  publish: publishCases,
  "publish a run": publishRunCases,
  deliver: deliverCases,
  headers: headerCases,
  foreign: foreignCases,
  parallel: parallelCases,
  settle: settleCases,
  "dead letter": deadLetterCases,
  redeliver: redeliverCases,
  "consumer gone": consumerGoneCases,
  order: orderCases,
  groups: groupCases,
  start: startCases,
  flow: flowCases,
  close: closeCases,
  "publish at close": publishAtCloseCases,
  capabilities: capabilityCases,
  deduplication: dedupeCases,
};

/**
 * Registers every case that a transport must pass with a test runner.
 * Each case opens its own transports, groups and channels, is bounded in time and closes what it opened. Returns the
 * titles registered, and what this harness gives nothing to prove with, each with the reason.
 *
 * @throws OptionsError (CONFIG_INVALID) listing what the runner, the harness or the options lack.
 */
export function transportSuite<T extends Transport>(
  runner: Runner,
  harness: TransportHarness<T>,
  options: SuiteOptions = {},
): SuiteReport {
  const needs = { capabilities: "an object", create: "a function", channel: "a function" } as const;
  assertArguments({ suite: "transportSuite", runner, harness, options, needs });
  const parts: SuiteParts<TransportHarness, TransportScope> = {
    title: harness.name,
    subject: harness,
    groups,
    timeScale: harness.limits?.timeScale ?? 1,
    setup: async () => harness.setup?.(),
    teardown: async () => harness.teardown?.(),
    scopeOf: (scope) => createTransportScope(scope, harness, options.load ?? 1),
  };
  const report = registerSuite(runner, parts, options);
  const unproved = Object.entries(notProvable(harness.capabilities)).map(([name, because]) => ({
    title: `capability ${name}`,
    because,
  }));
  return { ...report, notApplicable: [...report.notApplicable, ...unproved] };
}
