import { isMediaType } from "./media-type.ts";
import { isTimestamp } from "./timestamp.ts";
import { isUri, isUriReference } from "./uri.ts";

/**
 * Bounds of one event's attributes, the same for events that go out and that come in. They are far above what events
 * need (a tracestate of 512 characters is long) and keep a hostile message from costing more than its bytes.
 */
export const attributeLimits = {
  /** Attributes of one event. */
  count: 128,
  /** Characters of a name. The specification recommends 20. */
  nameLength: 128,
  /** UTF-16 code units of a value. */
  valueLength: 16_384,
} as const;

/** The extension attribute that carries a message's tenant. */
export const tenantAttribute = "tenantid";

/** What the specification requires of every event. */
export const requiredAttributes = ["specversion", "id", "source", "type"] as const;

const int32Max = 2 ** 31 - 1;
const int32Min = -(2 ** 31);

/**
 * What is wrong with one attribute, as a sentence that begins with its name and never holds its value; undefined when
 * it keeps to CloudEvents 1.0. Takes every attribute of the specification and any extension.
 */
export function problemOfAttribute(name: string, value: unknown): string | undefined {
  switch (name) {
    case "specversion":
      return value === "1.0" ? undefined : "specversion: must be '1.0'";
    case "id":
    case "type":
    case "subject":
      return problemOfText(name, value) ?? problemOfEmpty(name, value);
    case "source":
      return problemOfForm(name, value, isUriReference, "a URI-reference of RFC 3986");
    case "dataschema":
      return problemOfForm(name, value, isUri, "an absolute URI of RFC 3986");
    case "time":
      return problemOfForm(name, value, isTimestamp, "a timestamp of RFC 3339 that exists");
    case "datacontenttype":
      return problemOfForm(name, value, isMediaType, "a media type of RFC 2046");
    case "partitionkey":
    case "correlationid":
    case "causationid":
    case "traceparent":
    case "tracestate":
      return problemOfText(name, value);
    default:
      return problemOfName(name) ?? problemOfExtension(name, value);
  }
}

/** Why a string cannot be an attribute: section "Type System" of the specification, and our own bound. */
export function problemOfText(name: string, value: unknown): string | undefined {
  if (typeof value !== "string") return `${name}: must be a string, not ${typeName(value)}`;
  if (value.length > attributeLimits.valueLength) {
    return `${name}: must not be longer than ${attributeLimits.valueLength} characters`;
  }
  return forbidden.test(value)
    ? `${name}: must not hold control characters, non-characters or unpaired surrogates`
    : undefined;
}

const forbidden = /[\p{Cc}\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

function problemOfEmpty(name: string, value: unknown): string | undefined {
  return value === "" ? `${name}: must not be empty` : undefined;
}

function problemOfForm(
  name: string,
  value: unknown,
  hasForm: (text: string) => boolean,
  form: string,
): string | undefined {
  const problem = problemOfText(name, value) ?? problemOfEmpty(name, value);
  if (problem !== undefined) return problem;
  return typeof value === "string" && hasForm(value) ? undefined : `${name}: must be ${form}`;
}

function problemOfName(name: string): string | undefined {
  if (name.length > attributeLimits.nameLength) {
    return `'${printable(name)}': an attribute name must not be longer than ${attributeLimits.nameLength} characters`;
  }
  if (!/^[a-z0-9]+$/.test(name)) return `'${printable(name)}': an attribute name may only hold a-z and 0-9`;
  return name === "data" ? "data: is not the name of an attribute" : undefined;
}

function problemOfExtension(name: string, value: unknown): string | undefined {
  if (typeof value === "string") return problemOfText(name, value);
  if (typeof value === "boolean") return undefined;
  if (typeof value !== "number")
    return `${name}: must be a string, a boolean or an integer, not ${typeName(value)}`;
  if (Number.isInteger(value) && value >= int32Min && value <= int32Max) return undefined;
  return `${name}: a number must be an integer of 32 bits`;
}

/** Names come from outside too: cut, and nothing in them that could break a line of a log. */
function printable(name: string): string {
  const start = name.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, "?");
  return name.length > 40 ? `${start}…` : start;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
