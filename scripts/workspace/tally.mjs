// How a check says what it found: every problem, then a last line that the test run counts.

/** @typedef {{ title: string, problems: string[] }} Case */

/**
 * Prints the problems of each case and `name: N passed, N failed`; sets the exit code. No case at all is a failure.
 * @param {string} name
 * @param {Case[]} cases
 */
export function tally(name, cases) {
  for (const { title, problems } of cases)
    if (problems.length > 0)
      console.error(`${title}\n${problems.map((problem) => indented(problem)).join("\n")}\n`);
  const failed = cases.filter((each) => each.problems.length > 0).length;
  if (cases.length === 0) console.error(`${name} found nothing to check, which proves nothing.`);
  console.log(
    `${name}: ${cases.length - failed} passed, ${Math.max(failed, Number(cases.length === 0))} failed`,
  );
  process.exitCode = failed > 0 || cases.length === 0 ? 1 : 0;
}

/** Was this file started as the program? @param {ImportMeta} meta */
export function isProgram(meta) {
  return process.argv[1] === meta.filename;
}

/** @param {string} text */
function indented(text) {
  return text.trimEnd().replaceAll(/^/gm, "  ");
}
