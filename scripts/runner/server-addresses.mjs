// The addresses of running servers as environment variables for tests.
import { allNames } from "../services/catalogue.mjs";
import { startedUrl } from "../services/index.mjs";

/** Same name as in packages/tools/test-servers. @param {string} name */
export function serverVariable(name) {
  return `POSTRIDER_TEST_${name.toUpperCase().replaceAll("-", "_")}_URL`;
}

/**
 * One variable per server that scripts/services started. A server that you run yourself is left out: tests break
 * what they use.
 * @returns {Record<string, string>}
 */
export function serverAddresses() {
  return Object.fromEntries(
    allNames.flatMap((/** @type {string} */ name) => {
      const url = addressOf(name);
      return url === undefined ? [] : [[serverVariable(name), url]];
    }),
  );
}

/** @param {string} name */
function addressOf(name) {
  try {
    return startedUrl(name);
  } catch (error) {
    if (error instanceof Error && error.name === "NotStartedError") return undefined;
    throw error;
  }
}
