import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { MessageKind } from "../contracts/message.ts";

/** The hidden half of a definition: what the pipelines need of it. */
export interface DefinitionParts {
  readonly kind: MessageKind;
  readonly type: string;
  readonly channel: string;
  readonly schema: StandardSchemaV1;
  readonly reply: StandardSchemaV1 | undefined;
  readonly key: ((data: unknown) => string) | undefined;
  readonly dataschema: string | undefined;
  readonly upcasts: readonly UpcastParts[];
  readonly description: string | undefined;
}
/** What an upcast is made of. */
export interface UpcastParts {
  readonly from: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly upcast: (old: unknown) => unknown;
}

const partsKey: unique symbol = Symbol.for("@postrider/core/definition");

/** Hangs the hidden half on a definition. */
export function hideParts(definition: object, parts: DefinitionParts): void {
  Object.defineProperty(definition, partsKey, { value: parts });
}

/** The hidden half of a definition; undefined for anything else. Holds over two copies of this package. */
export function partsOfDefinition(value: unknown): DefinitionParts | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(partsKey in value)) {
    return undefined;
  }
  return value[partsKey] as DefinitionParts;
}
