import type { MessageKind } from "../contracts/message.ts";
import { OptionsError } from "../errors.ts";
import type { Definition } from "./definition.ts";
import { partsOfDefinition } from "./definition-parts.ts";

/** A set of definitions: for exhaustive consumers and for documents made from them. */
export interface Catalog<Types extends string = string> {
  readonly types: ReadonlySet<Types>;
  /** In the order they were given. */
  readonly definitions: readonly Definition[];
}

// The mapped type stands in the signature, not behind an alias, so that messages list the types instead of the alias.
/**
 * The definitions of a record, or of a module namespace (`import * as contract from "./contract.ts"`); whatever else is
 * in it is left out.
 *
 * @throws OptionsError (CONFIG_INVALID) when two different definitions have one type, or it is given no object.
 */
export function defineCatalog<M extends object>(
  definitions: M,
): Catalog<{ [K in keyof M]: M[K] extends Definition<MessageKind, infer T> ? T : never }[keyof M]> {
  type Types = { [K in keyof M]: M[K] extends Definition<MessageKind, infer T> ? T : never }[keyof M];
  if (typeof definitions !== "object" || definitions === null)
    throw new OptionsError("The catalog", ["definitions: must be an object that holds definitions"]);
  const byType = new Map<Types, Definition>();
  const problems: string[] = [];
  for (const value of Object.values(definitions) as unknown[]) {
    const parts = partsOfDefinition(value);
    if (parts === undefined) continue;
    const known = byType.get(parts.type as Types);
    if (known !== undefined && known !== value) problems.push(`'${parts.type}' is defined twice`);
    byType.set(parts.type as Types, value as Definition);
  }
  if (problems.length > 0) throw new OptionsError("The catalog", problems);
  return Object.freeze({ types: new Set(byType.keys()), definitions: [...byType.values()] });
}
