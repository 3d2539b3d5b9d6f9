import type { ErrorCode } from "@postrider/core";

/** What the server calls its answer, by the first word of an error: `OOM`, `NOGROUP`, `WRONGTYPE`. */
export function wordOf(thrown: unknown): string {
  return /^-?([A-Z]+)\b/.exec(textOf(thrown))?.[1] ?? "";
}

/** The words of an error, whatever was thrown. */
export function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // Several addresses of one host that all refuse are an error without a text of its own.
  return thrown.message === "" && "code" in thrown ? String(thrown.code) : thrown.message;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  OOM: "TRANSPORT_FULL",
  MISCONF: "TRANSPORT_FULL",
  NOREPLICAS: "TRANSPORT_FULL",
  BUSY: "TRANSPORT_FULL",
  LOADING: "TRANSPORT_UNAVAILABLE",
  READONLY: "TRANSPORT_UNAVAILABLE",
  MASTERDOWN: "TRANSPORT_UNAVAILABLE",
  NOSCRIPT: "TRANSPORT_UNAVAILABLE",
  NOAUTH: "TRANSPORT_ACCESS_REFUSED",
  WRONGPASS: "TRANSPORT_ACCESS_REFUSED",
  NOPERM: "TRANSPORT_ACCESS_REFUSED",
  WRONGTYPE: "TRANSPORT_TOPOLOGY_CONFLICT",
  NOGROUP: "TRANSPORT_CHANNEL_MISSING",
  UNBLOCKED: "TRANSPORT_CHANNEL_MISSING",
  MOVED: "TRANSPORT_TOPOLOGY_CONFLICT",
  CROSSSLOT: "TRANSPORT_TOPOLOGY_CONFLICT",
};

const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ABORT_ERR",
]);

/** The code that an answer of the server, or an error of the client, comes to. */
export function codeOf(thrown: unknown): ErrorCode {
  const text = textOf(thrown);
  if (/invalid password|invalid username-password/i.test(text)) return "TRANSPORT_ACCESS_REFUSED";
  const said = codes[wordOf(thrown)];
  if (said !== undefined) return said;
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (typeof code === "string" && unreachable.has(code)) return "TRANSPORT_UNAVAILABLE";
  const gone = /clos|aborted due|isn't writeable|ETIMEDOUT|Socket/i.test(text);
  return gone ? "TRANSPORT_UNAVAILABLE" : "TRANSPORT_FAILED";
}

/** True where the server lives and takes no writes for now. */
export function isFull(thrown: unknown): boolean {
  return codeOf(thrown) === "TRANSPORT_FULL";
}
