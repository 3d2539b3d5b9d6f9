import type { StandardSchemaV1 } from "@standard-schema/spec";

const maxMessageLength = 500;
/** How many values of a part of the data are looked for in a message about that part. */
const maxValues = 1000;
/** Longer strings are found by their beginning, and what follows goes with them. */
const maxNeedle = 256;

/**
 * The message of an issue without the data it is about: it ends up in logs, spans and dead letters, and the data may
 * be private. Cuts the phrases in which libraries print what they were given, then every other print of the value at
 * the issue's path or of a value inside it. Names of members stay: the path shows them anyway.
 */
export function withoutValues(
  issue: StandardSchemaV1.Issue,
  path: readonly (string | number)[],
  input: unknown,
): string {
  let message = issue.message;
  for (const value of valuesAbout(issue, path, input)) message = withoutValue(message, value);
  const cut = withoutPhrases(message);
  return cut.length > maxMessageLength ? `${cut.slice(0, maxMessageLength)}…` : cut;
}

function withoutPhrases(message: string): string {
  return (
    message
      // arktype: `must be an email address (was "x")`, several of them in a union
      .replaceAll(/ \(was (?:"(?:[^"\\]|\\.)*"|[^"()]*)\)/g, "")
      .replace(/ \(was [\s\S]*$/, "")
      // valibot: `Invalid type: Expected string but received "x"`, `Invalid email: Received "x"`
      .replace(/(?: but received|: Received) [\s\S]*$/, "")
  );
}

/** The strings and numbers in the part of the data that the issue is about, the longest first. */
function valuesAbout(
  issue: StandardSchemaV1.Issue,
  path: readonly (string | number)[],
  input: unknown,
): readonly string[] {
  const found = new Set<string>();
  collect(valueAt(input, path), found);
  // valibot hangs on what earlier steps of a pipe made of the value; arktype, by the same name, its own innards.
  if ("input" in issue && typeof issue.input !== "object") collect(issue.input, found);
  return [...found].sort((one, other) => other.length - one.length);
}

function valueAt(input: unknown, path: readonly (string | number)[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}

function collect(value: unknown, found: Set<string>): void {
  const waiting: unknown[] = [value];
  const seen = new Set<unknown>();
  while (waiting.length > 0 && found.size < maxValues) {
    const next = waiting.pop();
    if (typeof next === "string") found.add(next.trim());
    else if (typeof next === "number" || typeof next === "bigint") found.add(String(next));
    else if (next instanceof Date && !Number.isNaN(next.getTime()))
      found.add(next.toISOString()).add(String(next));
    else if (typeof next === "object" && next !== null && !ArrayBuffer.isView(next) && !seen.has(next)) {
      seen.add(next);
      for (const value of Object.values(next).slice(0, maxValues) as unknown[]) waiting.push(value);
    }
  }
}

function withoutValue(message: string, value: string): string {
  if (value === "") return message;
  const prints = new Set([value, JSON.stringify(value).slice(1, -1)]);
  let rest = message;
  for (const print of prints) rest = print.length > maxNeedle ? cutAt(rest, print) : mask(rest, print);
  return rest;
}

function cutAt(message: string, print: string): string {
  const at = message.indexOf(print.slice(0, maxNeedle));
  return at === -1 ? message : `${message.slice(0, at)}…`;
}

/** In any case, since schemas lower it; short values only as whole words, since "a" is in every sentence. */
function mask(message: string, print: string): string {
  const literal = print.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const whole = print.length < 4 ? `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` : literal;
  return message.replaceAll(new RegExp(whole, "giu"), "…");
}
