import { type ErrorCode, MessagingError } from "@postrider/core";
import { sqlStateOf } from "@postrider/core/sql";

/** Node's codes of a connection that could not be made or broke. */
const brokenSocket = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
]);

/** What pg and PGlite say of a connection that is gone; those errors carry no code. */
const brokenSaying =
  /^(Connection terminated|timeout (exceeded|expired)|Client (has encountered a connection error|was closed)|Query read timeout|PGlite is clos|The server does not support SSL)/;

/** What a pool says after `end()`: no later call can succeed. */
const closedSaying = /^(Cannot use a pool after calling end|PGlite is clos)/;

/** PGlite that was closed with a call under way: its memory is gone, and it looks for a function there. */
const closedUnderway = /^Cannot read properties of undefined \(reading '_Postgres/;

interface Verdict {
  readonly code: ErrorCode;
  readonly retryable?: boolean;
  readonly step?: string;
  /** In place of what the driver says. */
  readonly saying?: string;
}

/**
 * An error of the driver or the server as one of ours: STORE_UNAVAILABLE when the database cannot be reached,
 * STORE_ACCESS_REFUSED when it lets this user not in, STORE_SCHEMA_MISSING when a table or column is not there, STORE_FAILED for the rest. Errors of ours pass as they are.
 *
 * @param doing what the store was at, as the error tells it: `append events`
 */
export function storeError(error: unknown, doing: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const state = sqlStateOf(error);
  const verdict = state === undefined ? judgeSaying(error) : judgeState(state);
  const step = verdict.step === undefined ? "" : ` ${verdict.step}`;
  return new MessagingError(
    verdict.code,
    `Could not ${doing}: ${verdict.saying ?? sayingOf(error, state)}.${step}`,
    {
      cause: error,
      retryable: verdict.retryable,
      context: state === undefined ? { doing } : { doing, sqlState: state },
    },
  );
}

/** The same for an error after the work was done: a connection that broke then leaves open what became of COMMIT. */
export function commitError(error: unknown): MessagingError {
  const known = storeError(error, "commit");
  if (known === error || !isAway(known.code)) return known;
  return new MessagingError(
    "STORE_OUTCOME_UNKNOWN",
    `${known.message} The transaction may have taken effect: find out by a business key that it wrote.`,
    { cause: error, context: known.context },
  );
}

/**
 * True for errors of ours and of the driver that mean: the database cannot be reached, or could not be when it was to
 * answer COMMIT. One that refuses a password is not to blame on a message either.
 */
export function isUnavailable(error: unknown): boolean {
  const { code } = storeError(error, "");
  return isAway(code) || code === "STORE_OUTCOME_UNKNOWN";
}

function isAway(code: ErrorCode): boolean {
  return code === "STORE_UNAVAILABLE" || code === "STORE_ACCESS_REFUSED";
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error(`A ${typeof thrown} was thrown instead of an Error`, { cause: thrown });
}

function judgeState(state: string): Verdict {
  switch (state) {
    case "42P01": // undefined table
    case "3F000": // undefined schema
    case "42703": // undefined column
      return {
        code: "STORE_SCHEMA_MISSING",
        step: "Run store.migrate(), or apply what store.printMigrations() gives.",
      };
    case "42501": // insufficient privilege
      return { code: "STORE_FAILED", retryable: false, step: "Grant the role what the README lists." };
    case "28000": // invalid authorization
    case "28P01": // invalid password
    case "3D000": // no such database
      return { code: "STORE_ACCESS_REFUSED" };
    case "25006": // read only: a standby, until the pool finds the primary again
    case "53300": // too many connections
    case "57P01": // shut down by the administrator
    case "57P02": // crash of another session
    case "57P03": // starting up
    case "57P05": // ended for being idle
      return { code: "STORE_UNAVAILABLE" };
    case "57014":
      return { code: "STORE_FAILED", step: "It took longer than statementTimeoutMs, or was cancelled." };
    default:
      return state.startsWith("08") ? { code: "STORE_UNAVAILABLE" } : { code: "STORE_FAILED" };
  }
}

function judgeSaying(error: unknown): Verdict {
  if (chainOf(error).some(({ message }) => closedSaying.test(message))) {
    return { code: "STORE_UNAVAILABLE", retryable: false, step: "The pool or database was closed." };
  }
  if (chainOf(error).some(({ message }) => closedUnderway.test(message))) {
    return { code: "STORE_UNAVAILABLE", retryable: false, saying: "PGlite was closed meanwhile" };
  }
  const broken = chainOf(error).some(
    ({ code, message }) => brokenSocket.has(code) || brokenSaying.test(message),
  );
  return { code: broken ? "STORE_UNAVAILABLE" : "STORE_FAILED" };
}

/** Data exceptions (class 22) quote the value in their message, so only their state is passed on. */
function sayingOf(error: unknown, state: string | undefined): string {
  const said = chainOf(error).find((link) => state === undefined || link.code === state);
  const text =
    said?.message === undefined || said.message === "" ? (said?.code ?? "no reason given") : said.message;
  if (state === undefined) return text;
  return state.startsWith("22") ? `PostgreSQL answered ${state}` : `PostgreSQL answered ${state}, ${text}`;
}

interface Link {
  readonly code: string;
  readonly message: string;
}

/** The error, its causes, and the errors that an attempt on several addresses failed with. */
function chainOf(error: unknown, depth = 0): Link[] {
  if (typeof error !== "object" || error === null || depth > 8) return [];
  const { code, message, cause, errors } = error as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly cause?: unknown;
    readonly errors?: unknown;
  };
  const own = {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : "",
  };
  const parts: readonly unknown[] = Array.isArray(errors) ? errors : [];
  return [own, ...[cause, ...parts].flatMap((next) => chainOf(next, depth + 1))];
}
