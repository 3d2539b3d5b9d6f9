/// <reference types="node" preserve="true" />
// ── the suites
export { transportSuite } from "./transport/suite.ts";
export { outboxSuite } from "./outbox/suite.ts";
export { inboxSuite } from "./inbox/suite.ts";
export type { NotApplicable, SuiteOptions, SuiteReport } from "./case/case.ts";
// ── how they reach a broker or a database
export type {
  RawMessage,
  StoreDatabase,
  StoreHarness,
  StoreLimits,
  TransportHarness,
  TransportLimits,
  UndeclaredChannel,
} from "./harness.ts";
// ── test runners
export { nodeTestRunner, vitestRunner } from "./case/runner.ts";
export type { NodeTestLike, Runner, VitestLike } from "./case/runner.ts";
export { collectCases, runCases, teardownTitle } from "./case/collect.ts";
export type { CaseResult, Collected, CollectedCase, RunOptions } from "./case/collect.ts";
export { NotConforming } from "./case/not-conforming.ts";
// ── faults that show a suite at work
export { brokenTransports, withTransportFault } from "./broken/transports.ts";
export type { BrokenTransport } from "./broken/over.ts";
export { brokenStores, withStoreFault } from "./broken/stores.ts";
export type { BrokenStore } from "./broken/over-store.ts";
