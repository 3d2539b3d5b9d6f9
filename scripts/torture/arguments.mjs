// What the words after `npm run torture --` mean.
import { parseArgs } from "node:util";

/**
 * @typedef {{ store: "postgres", mode: "poll" | "notify", seconds: number, seed: number, output: "json" | "text",
 *   mark: "safe" | "last-seen" }} Plan `mark` "last-seen" is the planted mistake that must be found out.
 */

/** The words cannot be understood; the message says which exist. */
export class UsageError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "UsageError";
  }
}

export const help = `npm run torture -- [options]

  --store postgres     the store to torture; its address is DATABASE_URL, or that of "npm run services -- up postgres"
  --mode poll          how the relays learn of events: poll, notify
  --seconds 60         how long the writers write
  --seed 1             of every delay, rollback and kill
  --mark last-seen     plants a mistake: rows are passed by number alone. Must end with losses and exit code 1.
  --json               nothing but one line of JSON on stdout

Exit code: 0 when nothing was lost, made up or out of order; 1 otherwise; 2 for options that do not exist.`;

/**
 * @param {string[]} words
 * @returns {Plan | "help"}
 */
export function readArguments(words) {
  const { values } = parsed(words);
  if (values.help === true) return "help";
  return {
    store: oneOf("--store", values.store, ["postgres"]),
    mode: oneOf("--mode", values.mode, ["poll", "notify"]),
    seconds: wholeNumber("--seconds", values.seconds, 1, 3_600),
    seed: wholeNumber("--seed", values.seed, 0, 2 ** 32 - 1),
    output: values.json === true ? "json" : "text",
    mark: oneOf("--mark", values.mark, ["safe", "last-seen"]),
  };
}

/** @param {string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args,
      options: {
        store: { type: "string", default: "postgres" },
        mode: { type: "string", default: "poll" },
        seconds: { type: "string", default: "60" },
        seed: { type: "string", default: "1" },
        mark: { type: "string", default: "safe" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  }
}

/**
 * @template {string} T
 * @param {string} option @param {string} value @param {readonly T[]} known
 * @returns {T}
 */
function oneOf(option, value, known) {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} ${value}: there is ${known.join(", ")}.`);
}

/** @param {string} option @param {string} value @param {number} least @param {number} most */
function wholeNumber(option, value, least, most) {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new UsageError(`${option} ${value}: must be a whole number from ${least} to ${most}.`);
}
