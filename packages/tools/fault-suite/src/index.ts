export { faultCases, type FaultCase } from "./cases.ts";
export type { BrokerUnderFault, FaultName, Faults } from "./port.ts";
export { startLoad, usualLoad, type Load, type LoadOptions } from "./load.ts";
export { problemsOf, type CheckBounds } from "./check.ts";
export type { History } from "./history.ts";
export { until } from "./until.ts";
