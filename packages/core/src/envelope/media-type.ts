const pattern =
  /^[\w!#$%&'*+.^`{|}~-]+\/[\w!#$%&'*+.^`{|}~-]+(?:[ \t]*;[ \t]*[\w!#$%&'*+.^`{|}~-]+=(?:[\w!#$%&'*+.^`{|}~-]+|"(?:[^"\\\p{Cc}]|\\[\x20-\x7e])*"))*[ \t]*$/u;

/** Media type of the JSON format of CloudEvents, as structured mode writes it. */
export const structuredContentType = "application/cloudevents+json; charset=utf-8";

/** True for a media type as RFC 2046 and 2045 write it, parameters included. */
export function isMediaType(text: string): boolean {
  return text === "application/json" || pattern.test(text);
}

/**
 * How the bytes of a body are to be read. `json`: the subtype is `json` or ends in `+json`, whatever the parameters.
 * `text`: `text/*` in UTF-8 or ASCII, which is also what no `charset` means. `bytes`: everything else, no type too.
 */
export function contentKind(contentType: string | undefined): "json" | "text" | "bytes" {
  if (contentType === "application/json") return "json";
  if (contentType === undefined) return "bytes";
  const [type = "", subtype = ""] = essenceOf(contentType).split("/");
  if (subtype === "json" || subtype.endsWith("+json")) return "json";
  return type === "text" && isUtf8Charset(contentType) ? "text" : "bytes";
}

/**
 * Whether a content type announces structured mode, and in which format. Every media type that begins with
 * `application/cloudevents` does, in any case (the rule of all protocol bindings); `json` is the one we read.
 */
export function structuredFormat(contentType: string | undefined): "json" | "batch" | "unknown" | undefined {
  if (contentType === undefined || contentType === "application/json") return undefined;
  const essence = essenceOf(contentType);
  if (!essence.startsWith("application/cloudevents")) return undefined;
  if (essence === "application/cloudevents+json" || essence === "application/cloudevents") return "json";
  return essence.startsWith("application/cloudevents-batch") ? "batch" : "unknown";
}

function essenceOf(contentType: string): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function isUtf8Charset(contentType: string): boolean {
  const charset = /;[ \t]*charset=(?:"([^"]*)"|([^\s;]*))/i.exec(contentType);
  return charset === null || /^(?:utf-?8|us-ascii)$/i.test(charset[1] ?? charset[2] ?? "");
}
