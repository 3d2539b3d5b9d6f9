// Writes docs/errors.md from the table of codes: `node scripts/docs/errors.mjs`. A test fails when the two differ.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @typedef {Readonly<Record<string, { readonly retryable: boolean, readonly meaning: string }>>} Codes */

const groups = [
  ["CONFIG", "the operator", "thrown when something is made or started"],
  ["CONTRACT", "the producer of the message", "its attributes or its data break what was agreed"],
  ["TRANSPORT", "the broker", "it is away, or it refuses"],
  ["STORE", "the database", "it is away, or it refuses"],
  ["HANDLER", "the code that works on a message", "it failed, or had no time"],
  ["REQUEST", "the owner that was asked", "a request without an answer"],
  ["USAGE", "the caller", "a call that cannot work"],
];

/**
 * The page that lists every code.
 * @param {Codes} codes
 * @returns {string}
 */
export function errorsPage(codes) {
  const sections = groups.map(([prefix = "", who = "", what = ""]) => {
    const rows = Object.entries(codes)
      .filter(([code]) => code.startsWith(`${prefix}_`))
      .map(([code, { retryable, meaning }]) => `| \`${code}\` | ${retryable ? "yes" : "no"} | ${meaning} |`);
    return [
      `## ${prefix}: ${who}`,
      "",
      `${capital(what)}.`,
      "",
      "| code | try again | meaning |",
      "|---|---|---|",
      ...rows,
      "",
    ];
  });
  return [...preface, ...sections.flat()].join("\n");
}

const preface = [
  "# Errors",
  "",
  "<!-- Written by scripts/docs/errors.mjs from packages/core/src/errors.ts. -->",
  "",
  "Every error of the library is a `MessagingError` with a `code`. Match on the code, not on the message; a message names",
  "the thing and the next step, and holds no payload and no credentials. `isMessagingError(error, code)` tells them apart.",
  "",
  "**Try again** says whether the same call can succeed later with nothing changed by a person: `error.retryable`. One error",
  "may know better than the table.",
  "",
];

/** @param {string} text */
function capital(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const source = new URL("../../packages/core/src/errors.ts", import.meta.url).href;
  const { errorCodes } = await import(source);
  writeFileSync(new URL("../../docs/errors.md", import.meta.url), errorsPage(errorCodes));
}
