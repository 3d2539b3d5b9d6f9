// What the words after `npm test --` mean.

/** @typedef {{ only: string[], without: string[] }} Selection `only` is empty for every step. */

/** The words cannot be understood; the message says which exist. */
export class UsageError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "UsageError";
  }
}

/**
 * `unit lint --without kafka,redis` → these two steps, and no test that needs those servers.
 * @param {string[]} words
 * @param {{ steps: string[], servers: string[] }} known
 * @returns {Selection}
 */
export function readArguments(words, known) {
  /** @type {Selection} */
  const selection = { only: [], without: [] };
  const rest = words.flatMap((word) =>
    word.startsWith("--without=") ? ["--without", word.slice(10)] : [word],
  );
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--without") selection.without.push(...listOf(rest.shift(), known.servers));
    else if (word.startsWith("-"))
      throw new UsageError(`There is no option ${word}. There is --without <server,...>.`);
    else if (known.steps.includes(word)) selection.only.push(word);
    else throw new UsageError(`There is no step "${word}". There are: ${known.steps.join(" ")}.`);
  }
  return selection;
}

/**
 * @param {string | undefined} list
 * @param {string[]} servers
 */
function listOf(list, servers) {
  const names = (list ?? "").split(",").filter(Boolean);
  if (names.length === 0)
    throw new UsageError("--without wants the names of servers: --without kafka,redis.");
  for (const name of names)
    if (!servers.includes(name))
      throw new UsageError(`There is no server "${name}". There are: ${servers.join(" ")}.`);
  return names;
}
