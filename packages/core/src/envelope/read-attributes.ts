import type { Message } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import { attributeLimits, problemOfAttribute, requiredAttributes, tenantAttribute } from "./attributes.ts";

/** The attributes of one event, sorted: those that `Message` names, and all others. */
export interface Attributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string | undefined;
  readonly subject: string | undefined;
  readonly datacontenttype: string | undefined;
  readonly dataschema: string | undefined;
  readonly partitionkey: string | undefined;
  readonly correlationid: string | undefined;
  readonly causationid: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly tenant: string | undefined;
  /** Without prototype, so that no name of `Object.prototype` can be read from it. */
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
}

const named: ReadonlySet<string> = new Set<keyof Message>([
  "specversion",
  "id",
  "source",
  "type",
  "time",
  "subject",
  "datacontenttype",
  "dataschema",
  "partitionkey",
  "correlationid",
  "causationid",
  "traceparent",
  "tracestate",
]);
const nothing: Readonly<Record<string, ExtensionValue>> = Object.freeze(withoutPrototype());

/**
 * Checks and sorts the own members of `members` in one pass. Members that are null or undefined count as not set, as
 * in the JSON format. What is wrong is added to `problems`; the result is then not to be used.
 */
export function readAttributes(members: Readonly<Record<string, unknown>>, problems: string[]): Attributes {
  const names = Object.keys(members);
  if (names.length > attributeLimits.count) {
    problems.push(`there must not be more than ${attributeLimits.count} attributes`);
  }
  for (const name of requiredAttributes) {
    if (!isSet(members, name)) problems.push(`${name}: is missing`);
  }
  const extensions = readMembers(members, names.slice(0, attributeLimits.count), problems);
  return sort(members, extensions);
}

/** Checks each member; answers those that `Message` does not name. */
function readMembers(
  members: Readonly<Record<string, unknown>>,
  names: readonly string[],
  problems: string[],
): Record<string, ExtensionValue> | undefined {
  let extensions: Record<string, ExtensionValue> | undefined;
  for (const name of names) {
    const value = members[name];
    if (value === undefined || value === null) continue;
    const problem = problemOfAttribute(name, value);
    if (problem !== undefined) problems.push(problem);
    else if (!named.has(name) && !isTenant(name, value)) {
      extensions ??= withoutPrototype();
      extensions[name] = value as ExtensionValue; // checked by problemOfAttribute
    }
  }
  return extensions;
}

function sort(
  members: Readonly<Record<string, unknown>>,
  extensions: Readonly<Record<string, ExtensionValue>> = nothing,
): Attributes {
  const tenant = textOf(members, tenantAttribute);
  return {
    id: textOf(members, "id") ?? "",
    source: textOf(members, "source") ?? "",
    type: textOf(members, "type") ?? "",
    time: textOf(members, "time"),
    subject: textOf(members, "subject"),
    datacontenttype: textOf(members, "datacontenttype"),
    dataschema: textOf(members, "dataschema"),
    partitionkey: textOf(members, "partitionkey"),
    correlationid: textOf(members, "correlationid"),
    causationid: textOf(members, "causationid"),
    traceparent: textOf(members, "traceparent"),
    tracestate: textOf(members, "tracestate"),
    tenant: tenant === "" ? undefined : tenant,
    extensions,
  };
}

/** An event of others may use the name for something else, an integer for example: then it is just an extension. */
function isTenant(name: string, value: unknown): boolean {
  return name === tenantAttribute && typeof value === "string" && value !== "";
}

function isSet(members: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.hasOwn(members, name) && members[name] !== undefined && members[name] !== null;
}

function textOf(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

function withoutPrototype(): Record<string, ExtensionValue> {
  return Object.create(null) as Record<string, ExtensionValue>;
}
