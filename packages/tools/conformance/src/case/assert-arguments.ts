import { isOptions, OptionsError } from "@postrider/core";
import type { SuiteOptions } from "./case.ts";

/** What a suite was called with, as it may come from plain JavaScript. */
export interface SuiteArguments {
  readonly suite: string;
  readonly runner: unknown;
  readonly harness: unknown;
  readonly options: SuiteOptions;
  /** Members of the harness that no case can do without. */
  readonly needs: Readonly<Record<string, "a function" | "an object">>;
}

/** @throws OptionsError (CONFIG_INVALID) listing everything that is missing, before a case is registered. */
export function assertArguments({ suite, runner, harness, options, needs }: SuiteArguments): void {
  const problems = [...problemsOfRunner(runner), ...problemsOfHarness(harness, needs)];
  if (!isOptions(options)) problems.push("options: must be an object");
  if (problems.length > 0) throw new OptionsError(suite, problems);
}

function problemsOfRunner(runner: unknown): string[] {
  const fits =
    isOptions(runner) && ["suite", "test", "afterAll"].every((name) => is(runner, name, "a function"));
  return fits ? [] : ["runner: must be what vitestRunner, nodeTestRunner or collectCases makes"];
}

function problemsOfHarness(harness: unknown, needs: SuiteArguments["needs"]): string[] {
  if (!isOptions(harness)) return ["harness: must be an object"];
  const { name }: { readonly name?: unknown } = harness;
  return [
    ...(typeof name === "string" && name !== "" ? [] : ["harness.name: must be the name of the suite"]),
    ...Object.entries(needs).flatMap(([member, kind]) =>
      is(harness, member, kind) ? [] : [`harness.${member}: must be ${kind}`],
    ),
  ];
}

function is(holder: object, member: string, kind: "a function" | "an object"): boolean {
  const value: unknown = Reflect.get(holder, member);
  return kind === "a function" ? typeof value === "function" : isOptions(value);
}
