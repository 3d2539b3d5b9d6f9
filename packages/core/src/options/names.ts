import { OptionsError, toError } from "../errors.ts";
import { nearest } from "./nearest.ts";

/** The names of all options of `O`, for `problemsOfOptions`. The compiler sees to it that none is forgotten. */
export type OptionNames<O extends object> = { readonly [K in keyof O]-?: true };

/** One sentence for each name that is no option: a misspelled one would change nothing, and say nothing. */
export function problemsOfNames(given: object, names: Readonly<Record<string, unknown>>, at = ""): string[] {
  const problems: string[] = [];
  // In one pass and without a copy: publish options come with every message.
  for (const name in given) {
    if (!Object.hasOwn(names, name) && Object.hasOwn(given, name))
      problems.push(`${at}${name.slice(0, 100)}: is no option${hintOf(name, Object.keys(names))}`);
  }
  return problems;
}

/** True for what can hold options: an object, and neither null nor an array. Whoever reads options asks this first. */
export function isOptions(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The problem of what is no options object at all. */
export const noObject = "options: must be an object";

/**
 * What is wrong with options as a whole, one sentence each: they are no object, or have names that are no options, told
 * with the name that was meant. Empty for good ones. For authors of transports and stores, who add what is wrong with
 * the values and throw one `OptionsError` with all of it.
 */
export function problemsOfOptions(given: unknown, names: Readonly<Record<string, unknown>>): string[] {
  return isOptions(given) ? problemsOfNames(given, names) : [noObject];
}

/** The problems that a check throws as an OptionsError, each below the path `at`: groups of one call are told together. */
export function problemsThrown(at: string, check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (thrown) {
    if (thrown instanceof OptionsError) return thrown.problems.map((problem) => at + problem);
    throw toError(thrown);
  }
}

/** Which name was meant, or which there are, in brackets. */
export function hintOf(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  if (meant !== undefined) return ` (did you mean '${meant}'?)`;
  return names.length === 0 ? "" : ` (there are: ${names.join(", ")})`;
}
