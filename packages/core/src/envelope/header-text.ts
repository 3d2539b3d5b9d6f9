/*
 * Text for header values, on every broker: printable ASCII only, no space at either end (NATS trims). Escaped the way
 * JSON escapes, so that plain text stays readable in the broker's own tools.
 */

/** JSON in ASCII. */
export function asciiJson(value: unknown): string {
  return escapeRest(JSON.stringify(value));
}

/** Any string as a header value; `textOfHeader` gives it back exactly. */
export function headerText(text: string): string {
  const escaped = asciiJson(text).slice(1, -1);
  return escaped.replace(/^ /, "\\u0020").replace(/ $/, "\\u0020");
}

/** Undefined when the value is not one that `headerText` makes. */
export function textOfHeader(value: string): string | undefined {
  try {
    const text: unknown = JSON.parse(`"${value}"`);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

/** At most `maxBytes` of text when it is written by `asciiJson`; an ellipsis stands for the rest. */
export function cutText(text: string, maxBytes: number): string {
  const room = maxBytes - ellipsis.length;
  let bytes = 0;
  let fits = 0; // up to here an ellipsis still fits behind it
  for (const character of text) {
    bytes += asciiJson(character).length - 2;
    if (bytes > maxBytes) return `${text.slice(0, fits)}${ellipsis}`;
    if (bytes <= room) fits += character.length;
  }
  return text;
}

const ellipsis = "...";

function escapeRest(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
