import { isDate } from "node:util/types";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import type { DefinitionParts } from "../event/definition-parts.ts";
import type { DraftOptions } from "../event/draft.ts";
import { attributeLimits, problemOfAttribute, problemOfText, tenantAttribute } from "./attributes.ts";
import type { Lineage } from "./lineage.ts";
import { invalidEvent } from "./refuse.ts";

/*
 * What a draft decides for its event, checked. What is wrong is added to `problems`, so that one error names all of it.
 */

/** The ordering key: of this call, of the draft, of the definition; undefined for none. */
export function keyOf(
  definition: DefinitionParts,
  own: DraftOptions,
  keyOfCall: string | undefined,
  output: unknown,
  problems: string[],
): string | undefined {
  const given = keyOfCall ?? own.key;
  if (given === undefined && definition.key === undefined) return undefined;
  const key: unknown = given ?? madeKey(definition, output);
  checkFilled("key", key, problems);
  return typeof key === "string" ? key : undefined;
}

function madeKey(definition: DefinitionParts, output: unknown): unknown {
  try {
    return definition.key?.(output);
  } catch (error) {
    throw invalidEvent(
      `This '${definition.type}'`,
      ["key: the definition's key function threw"],
      { type: definition.type },
      error,
    );
  }
}

/** Attributes that only their own option, or the library, may set. */
const setElsewhere: Readonly<Record<string, string>> = {
  specversion: "is always '1.0'",
  id: "is the option 'id'",
  source: "is the source of this service",
  type: "is the type of the definition",
  time: "is the option 'time'",
  subject: "is the option 'subject'",
  datacontenttype: "follows from the data",
  dataschema: "is an option of the definition",
  partitionkey: "is the option 'key'",
  traceparent: "is set by tracing",
  tracestate: "is set by tracing",
  [tenantAttribute]: "is the option 'tenant'",
};

/** A flow that begins here is correlated by the id of its first event. The user's own ids go first. */
export function extensionsOf(
  id: string,
  given: DraftOptions["extensions"],
  lineage: Lineage | undefined,
  problems: string[],
): Readonly<Record<string, ExtensionValue>> {
  const extensions: Record<string, ExtensionValue> = { correlationid: lineage?.correlationid ?? id };
  check("correlationid", lineage?.correlationid, problems);
  if (lineage?.causationid !== undefined) {
    extensions["causationid"] = lineage.causationid;
    check("causationid", lineage.causationid, problems);
  }
  if (lineage?.domainEvent !== undefined) {
    extensions["domainevent"] = lineage.domainEvent;
    check("domainevent", lineage.domainEvent, problems);
  }
  if (lineage?.actor !== undefined) {
    extensions["authtype"] = lineage.actor.type;
    extensions["authid"] = lineage.actor.id;
    check("authid", lineage.actor.id, problems);
  }
  if (given === undefined) return extensions;
  if (!isPlain(given)) {
    problems.push("extensions: must be a plain object of names and values");
    return extensions;
  }
  const names = Object.keys(given);
  if (names.length > extensionLimit)
    problems.push(`extensions: there must not be more than ${extensionLimit}`);
  for (const name of names.slice(0, extensionLimit)) {
    const value: unknown = given[name];
    if (value === undefined) continue;
    if (Object.hasOwn(setElsewhere, name)) problems.push(`extensions: '${name}' ${setElsewhere[name]}`);
    else {
      check(name, value, problems);
      extensions[name] = value as ExtensionValue; // not used when the check found a problem
    }
  }
  return extensions;
}

/** Of this realm or another. A Map, an array and the like have names of their own, or none, and would set nothing. */
function isPlain(given: unknown): boolean {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

// What the library itself may set on top must still fit into what a decoder accepts.
const extensionLimit = attributeLimits.count - 16;

/** Adds what is wrong with an attribute, if it is there at all. */
export function check(name: string, value: unknown, problems: string[]): void {
  if (value === undefined) return;
  const problem = problemOfAttribute(name, value);
  if (problem !== undefined) problems.push(problem);
}

/** Like `check`, for strings that must be there and not empty. */
export function checkFilled(name: string, value: unknown, problems: string[]): void {
  const problem = problemOfText(name, value) ?? (value === "" ? `${name}: must not be empty` : undefined);
  if (problem !== undefined) problems.push(problem);
}

/** The time of a draft; text that RFC 3339 has room for. */
export function timeOf(time: Date, problems: string[]): string | undefined {
  const year = isDate(time) ? time.getUTCFullYear() : Number.NaN;
  if (year >= 0 && year <= 9999) return time.toISOString();
  problems.push("time: must be a valid Date between the years 0 and 9999");
  return undefined;
}
