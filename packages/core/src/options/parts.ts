import { isOptions } from "./names.ts";

/**
 * What is wrong with the two parts that most factories take, one sentence each. Empty for good ones, and for those that
 * were left out. For authors of transports and stores, beside `problemsOfOptions`.
 */
export function problemsOfParts({
  logger,
  clock,
}: {
  readonly logger?: unknown;
  readonly clock?: unknown;
}): string[] {
  const problems: string[] = [];
  if (logger !== undefined && !hasMethods(logger, ["debug", "info", "warn", "error"]))
    problems.push("logger: must have debug, info, warn and error");
  if (clock !== undefined && !hasMethods(clock, ["now", "monotonicMs", "schedule"]))
    problems.push("clock: must have now, monotonicMs and schedule");
  return problems;
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return isOptions(value) && methods.every((name) => typeof Reflect.get(value, name) === "function");
}
