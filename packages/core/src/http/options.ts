import type { Clock } from "../contracts/clock.ts";
import type { ContentMode } from "../envelope/encode.ts";
import { systemClock } from "../clock.ts";
import { OptionsError } from "../errors.ts";
import { problemsOfOptions, type OptionNames } from "../options/names.ts";

/** Where events are posted to, and how. */
export interface HttpTargetOptions {
  /** `http:` or `https:`. Its path and query stay out of errors: they may be secret. */
  readonly url: string | URL;
  /** `binary`: attributes in `ce-` headers, the data as the body; `structured`: one JSON. Default `binary`. */
  readonly mode?: ContentMode | undefined;
  /** How long one call may take in all, in milliseconds, 1 to 600,000. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Sent with every call: credentials, for one. Those of CloudEvents, and the content type, are not to be set here. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The header that carries the idempotency key; false for none. Default `idempotency-key`. */
  readonly idempotencyHeader?: string | false | undefined;
  /** The longest wait that the other side may ask for, in milliseconds. Default 3,600,000 (an hour). */
  readonly maxRetryAfterMs?: number | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** What dates in `Retry-After` are counted from. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** With every default filled in. */
export interface ResolvedHttpTarget {
  readonly url: URL;
  readonly mode: ContentMode;
  readonly timeoutMs: number;
  readonly headers: Headers;
  readonly idempotencyHeader: string | false;
  readonly maxRetryAfterMs: number;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

const names: OptionNames<HttpTargetOptions> = {
  url: true,
  mode: true,
  timeoutMs: true,
  headers: true,
  idempotencyHeader: true,
  maxRetryAfterMs: true,
  fetch: true,
  clock: true,
};

/** Throws one OptionsError with all problems. */
export function resolveHttpTarget(options: HttpTargetOptions): ResolvedHttpTarget {
  const problems = problemsOfOptions(options, names);
  if (problems.length > 0) throw new OptionsError("httpTarget", problems);
  const { mode = "binary", timeoutMs = 10_000, idempotencyHeader = "idempotency-key" } = options;
  const { maxRetryAfterMs = 3_600_000, clock = systemClock } = options;
  const url = urlOf(options.url);
  const headers = headersOf(options.headers ?? {});
  if (url === undefined) problems.push("url: must be an http: or https: URL without credentials");
  if (!["binary", "structured"].includes(mode)) problems.push("mode: must be 'binary' or 'structured'");
  if (!isWhole(timeoutMs, 600_000)) problems.push("timeoutMs: must be a whole number from 1 to 600000");
  if (!isWhole(maxRetryAfterMs, 86_400_000))
    problems.push("maxRetryAfterMs: must be a whole number from 1 to 86400000");
  if (typeof headers === "string") problems.push(headers);
  if (idempotencyHeader !== false && !isHeaderName(idempotencyHeader))
    problems.push("idempotencyHeader: must be the name of a header, or false");
  if (options.fetch !== undefined && typeof options.fetch !== "function")
    problems.push("fetch: must be a function");
  if (url === undefined || typeof headers === "string" || problems.length > 0)
    throw new OptionsError("httpTarget", problems);
  return {
    url,
    mode,
    timeoutMs,
    headers,
    idempotencyHeader,
    maxRetryAfterMs,
    clock,
    fetch: options.fetch ?? globalThis.fetch,
  };
}

function urlOf(given: unknown): URL | undefined {
  if (!(given instanceof URL) && (typeof given !== "string" || !URL.canParse(given))) return undefined;
  const url = new URL(given);
  const isHttp = url.protocol === "http:" || url.protocol === "https:";
  return isHttp && url.username === "" && url.password === "" ? url : undefined; // fetch refuses credentials in a URL
}

/** The headers, or what is wrong with them; never their values. */
function headersOf(given: unknown): Headers | string {
  if (typeof given !== "object" || given === null) return "headers: must be an object of names and values";
  const reserved = Object.keys(given).find((name) => /^(?:ce-.*|content-type)$/i.test(name));
  if (reserved !== undefined) return `headers: '${reserved.slice(0, 100)}' is set from the event`;
  try {
    return new Headers(given as Record<string, string>);
  } catch {
    return "headers: hold a name or a value that no header can have";
  }
}

function isHeaderName(value: unknown): boolean {
  return typeof value === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(value);
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
}
